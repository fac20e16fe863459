"""Online/offline skew: a sample of the champion's online answers beside the offline world.

By the code that proves it before a promotion (`features.skew`), so that what is no difference
there is none here. A batch reads the offline store itself, and is no witness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from features.skew.request import POOL, Request, request, sample
from ingestion.drain import drain
from lifecycle import version_files
from lifecycle.errors import OnrampError
from lifecycle.gate import Mismatch, NoSkew
from lifecycle.home import Home
from lifecycle.prediction_log import PredictionLog
from lifecycle.task import Task
from monitoring.approved import Approved
from monitoring.quality import Breach
from monitoring.windows import Span

if TYPE_CHECKING:
    from features.skew.offline import Compared

MOST = 200  # customers
LEAST = 20
LIMIT = 0.02  # of the answers; a definition that is wrong is wrong of many
TOLERANCE = 1e-6  # where the task's gate names none
NAMED = 3  # features


@dataclass(frozen=True, kw_only=True)
class Skewed:
    """What the sample says.

    Attributes:
        asked: answers drawn; 0 where the champion answered nobody online.
        compared: … that something comparable is known of, and nothing came late for.
        differing: … in which a feature differs.
        examples: a difference each of the features that differ most often, in words.
        problem: why nothing could be compared.
    """

    asked: int = 0
    compared: int = 0
    differing: int = 0
    examples: tuple[str, ...] = ()
    problem: str = ""

    @property
    def words(self) -> str:
        if self.problem:
            return f"Online answers could not be held against the offline store: {self.problem}"
        return (
            f"{self.differing} of {self.compared} answers served online were given on other values "
            "than are known offline"
        )

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Broken, if more answers differ than a corner case explains."""
        share = self.differing / max(self.compared, 1)
        if self.compared < LEAST or share <= LIMIT:
            return ()
        words = f"{self.words} ({'; '.join(self.examples)})"
        return (Breach(check="skew", column="", value=share, limit=LIMIT, words=words),)


def skewed(home: Home, task: Task, against: Approved, span: Span, seed: int = 0) -> Skewed:
    """Compare a sample of the champion's online answers of the span; seeded. Never raises for it.

    Args:
        home: with a prediction log.
        task: its gate's `NoSkew` says the tolerance.
        against: the champion.
        span: moments.
        seed: of the sample.
    """
    asked = drawn(home, task, against, span, np.random.default_rng(seed))
    if not asked:
        return Skewed()
    try:
        drain(home)  # what was answered of live events must be known offline too
        found = held(home, task, against, asked)
    except (OnrampError, duckdb.IOException, OSError) as error:  # what is read may be built anew
        return Skewed(asked=len(asked), problem=str(error).rstrip("."))
    return Skewed(
        asked=len(asked), compared=found.compared,
        differing=len({one.customer_id for one in found.mismatches}),
        examples=tuple(examples(found.mismatches)),
    )  # fmt: skip


def drawn(
    home: Home, task: Task, against: Approved, span: Span, draw: np.random.Generator
) -> list[Request]:
    """Of the customers who were asked about last, some, each one's newest answer."""
    newest = PredictionLog(home).newest(
        task.name, "online", customers=POOL * MOST, start=span.start, end=span.end
    )
    chosen = sample(newest[newest["version"] == against.version.number], MOST, draw)
    return [request(row) for row in chosen.to_dict(orient="records")]


def held(home: Home, task: Task, against: Approved, asked: Sequence[Request]) -> Compared:
    """The answers beside the offline world."""
    from features.skew.offline import comparable, compare  # noqa: PLC0415  Feast takes seconds
    from features.store import definitions  # noqa: PLC0415

    learned = version_files.facts(against.folder).get("definitions", {})
    names = comparable(against.features, learned, definitions(home, task.name))
    return compare(home, task.name, asked, [names] * len(asked), tolerance(task))


def tolerance(task: Task) -> float:
    rule = next((rule for rule in task.gate.rules if isinstance(rule, NoSkew)), None)
    return rule.tolerance if rule else TOLERANCE


def examples(mismatches: Sequence[Mismatch]) -> list[str]:
    """The features that differ most often, each with how often, and one pair of values."""
    often = Counter(one.name for one in mismatches).most_common(NAMED)
    first = {one.name: one for one in reversed(mismatches)}
    return [
        f"{name} in {times}, such as {first[name].online} for {first[name].offline}"
        for name, times in often
    ]
