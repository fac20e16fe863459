"""The skew proof: what was answered online is what the offline world says, value by value.

Logged requests are replayed. The vector that a version was asked with must equal the offline
one of that customer and moment, as training would read it; the score that was served must equal
the score of a batch; and the challenger must answer one row as it answers a table. A difference
is named by feature, customer, moment and both values. Here nothing is judged: `NoSkew` does.

What is no skew, `features.skew.offline` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.skew.offline import Pair, Vector, comparable, compare
from features.skew.request import Request
from features.store import definitions
from ingestion.drain import drain
from lifecycle.errors import OnrampError
from lifecycle.gate import Mismatch, NoSkew, Skew
from lifecycle.gate.replayed import tolerated
from lifecycle.home import Home
from lifecycle.registry import Registry
from lifecycle.task import Task
from lifecycle.version_files import FILES
from training.model import Matrix, Scorer
from training.promotion.asked import Rival, logged, present, scores
from training.promotion.replayed import Replayed, report

Scorers = Mapping[int, Scorer]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What every request is held against.

    Attributes:
        today: feature → hash of its definition, as Feast was told.
        tolerance: of two numbers.
    """

    home: Home
    task: str
    scorers: Scorers
    challenger: Rival
    today: Mapping[str, str]
    tolerance: float

    def names(self, request: Request) -> tuple[str, ...]:
        """The features that can be compared.

        The online store holds today's features, whatever the version that reads them learned.
        """
        if not request.logged:
            return tuple(self.today)
        scorer = self.scorers[request.version]
        learned = scorer.facts.get("definitions", {})
        return comparable((name for name, _ in scorer.features), learned, self.today)


def skew(  # noqa: PLR0913  # what is asked, by whom and of how many
    home: Home,
    task: Task,
    challenger: Rival,
    champion: Rival | None,
    as_of: datetime,
    *,
    requests: int = 200,
    seed: int = 0,
) -> Skew | None:
    """Replay requests, at most so many.

    Args:
        home: with a prediction log, or features and an online store.
        task: its gate's `NoSkew` says the tolerance.
        challenger: must answer a row as it answers a table.
        champion: answers for the present vectors of the online store, which are compared where
            fewer logged requests than that can be: a home that never served is proved by them.
        as_of: requests of later moments are left out.
        requests: how many, of as many customers.
        seed: of the sample.

    Returns:
        None where it does not apply: no rule asks, or there is no champion yet. A `problem`
        where there is nothing to replay, or it cannot be.
    """
    rule = next((rule for rule in task.gate.rules if isinstance(rule, NoSkew)), None)
    if rule is None or champion is None:
        return None
    draw = np.random.default_rng(seed)
    try:
        # What was answered of live events must be known offline too.
        drain(home)
        asked = logged(home, task.name, as_of, requests, draw)
        scorers = readable(home, task.name, asked, challenger, champion)
        proof = Proof(
            home=home, task=task.name, scorers=scorers, challenger=challenger,
            today=definitions(home, task.name), tolerance=rule.tolerance,
        )  # fmt: skip
        gone = Counter(one.version for one in asked if one.version not in scorers)
        found = [replay(proof, [one for one in asked if one.version in scorers])]
        if (lacking := requests - found[0].compared) > 0:
            found.append(replay(proof, present(home, task.name, champion, as_of, lacking, draw)))
    except OnrampError as error:
        return Skew(requests=0, compared=0, problem=str(error))
    return report(found, gone)


def readable(
    home: Home, task: str, asked: Sequence[Request], challenger: Rival, champion: Rival
) -> Scorers:
    """Version → its scorer, without versions that are gone or damaged: nobody serves them.

    Their requests are counted and named (`note`).
    """
    found = {one.number: one.scorer for one in (challenger, champion)}
    for number in sorted({one.version for one in asked} - found.keys()):
        registry = Registry(home)
        try:
            folder = registry.folder(registry.version(task, number))
        except OnrampError:
            continue
        found[number] = Scorer.from_folder(folder / FILES)
    return found


def replay(proof: Proof, asked: Sequence[Request]) -> Replayed:
    """Hold every request, and the challenger, against the offline world."""
    names = {(one.version, one.logged): proof.names(one) for one in asked}
    found = compare(
        proof.home, proof.task, asked, [names[one.version, one.logged] for one in asked],
        proof.tolerance,
    )  # fmt: skip
    mismatches = (
        *found.mismatches,
        *served(asked, proof.scorers, proof.tolerance),
        *alike(proof.challenger, found.pairs, proof.tolerance),
    )
    left_out = {
        name
        for (version, _), known in names.items()
        for name, _ in proof.scorers[version].features
        if name not in known
    }
    return Replayed(
        asked=asked, compared=found.compared, late=found.late,
        mismatches=mismatches, redefined=frozenset(left_out),
    )  # fmt: skip


def served(asked: Sequence[Request], scorers: Scorers, tolerance: float) -> Iterable[Mismatch]:
    """Scores that were served and that a batch over the very same features does not give."""
    for version, scorer in scorers.items():
        own = [one for one in asked if one.version == version]
        if not own:
            continue
        batch = scorer.score(frame_of(scorer, [one.vector for one in own]))
        for one, line in zip(own, batch, strict=True):
            again = scores(scorer, line)
            for name in {**again, **one.scores}:
                pair = one.scores.get(name), again.get(name)
                yield from scored(one, f"{name} of version {version}", pair, tolerance)


def alike(challenger: Rival, pairs: Sequence[Pair], tolerance: float) -> Iterable[Mismatch]:
    """Where the challenger would answer one row otherwise than the same row in a table."""
    scorer = challenger.scorer
    rows = [pair.offline for pair in pairs]
    if not rows:
        return
    batch = scorer.score(frame_of(scorer, rows))
    single: list[Matrix] = [scorer.score_rows([row])[0] for row in rows]
    for pair, one, line in zip(pairs, single, batch, strict=True):
        for name, online, offline in zip(scorer.classes, one, line, strict=True):
            told = f"{name} of version {challenger.number}"
            yield from scored(pair.request, told, (float(online), float(offline)), tolerance)


def scored(
    request: Request, name: str, pair: tuple[float | None, float | None], tolerance: float
) -> Iterable[Mismatch]:
    """The mismatch, where the served score and the batch's are not the same."""
    online, offline = pair
    found = Mismatch(
        customer_id=request.customer_id, at=request.at.isoformat(), what="score", name=name,
        online=online, offline=offline,
    )  # fmt: skip
    if not tolerated(found, tolerance):
        yield found


def frame_of(scorer: Scorer, rows: Sequence[Vector]) -> pd.DataFrame:
    """Rows as batch scoring reads them: doubles and texts."""
    return pd.DataFrame(
        {
            name: pd.Series(
                [row.get(name) for row in rows], dtype=float if kind == "number" else object
            )
            for name, kind in scorer.features
        }
    )
