"""Measures a challenger, and the champion beside it, on rows that neither has seen.

Which rows those are, and how it is proved, `training.promotion.unseen` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.costs import Costs
from lifecycle.gate import Better, Evidence, NotWorse, NotWorseOnSlices, Skew
from lifecycle.metrics import Labels, measure
from lifecycle.row_keys import Keys
from lifecycle.task import Task
from lifecycle.version_files import FILES, redefined, row_keys
from training.model import Matrix, Scorer
from training.promotion.labels import aligned, places, rarest
from training.promotion.latency import latency_ms, size_mb
from training.promotion.paired import Pair, comparable, difference
from training.promotion.signature import signature
from training.promotion.slices import sliced_by, slices
from training.promotion.unseen import after, overlap

MOST_UNLEARNED = 0.01
THOUSAND = 1_000.0


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A version as the comparison needs it.

    Attributes:
        keys: of the rows it was trained and calibrated on.
        size_mb: megabytes of its files; NaN: nobody looked.
    """

    number: int
    scorer: Scorer
    keys: Keys
    size_mb: float = float("nan")

    @classmethod
    def load(cls, number: int, folder: Path) -> Contender:
        """A version as it would be served, from its folder (`Registry.folder`)."""
        return cls(
            number=number,
            scorer=Scorer.from_folder(folder / FILES),
            keys=row_keys(folder),
            size_mb=size_mb(folder / FILES),
        )

    @property
    def facts(self) -> Any:
        return self.scorer.facts


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The rows that judge.

    Attributes:
        frame: labelled moments with features, shape (n, …).
        labels: of them, as places among the challenger's classes, shape (n,).
    """

    frame: pd.DataFrame
    labels: Labels


def evidence(
    task: Task,
    frame: pd.DataFrame,
    challenger: Contender,
    champion: Contender | None,
    definitions: Mapping[str, str] | None = None,
    *,
    skew: Skew | None = None,
) -> Evidence:
    """What can be said about the challenger on unseen rows of the frame.

    Args:
        task: its gate names what is compared.
        frame: labelled moments with features, as `training.trainingset.TrainingSet.frame`.
        challenger: the version to be judged.
        champion: the one it would replace; None when there is none. It is compared on today's
            features even where they mean something else than it learned, or are gone: it would
            have to serve on them, and nothing could ever replace it otherwise.
        definitions: of today's features, as `TrainingSet.definitions`.
        skew: requests replayed, by `training.promotion.skew`.
    """
    contenders = [challenger] if champion is None else [challenger, champion]
    known = Evidence(
        rows=0,
        positives=0,
        seen=0,
        metrics={},
        differences=None if champion is None else {},
        signature=signature(
            challenger.scorer,
            champion.scorer if champion else None,
            [name for name in frame.columns if not definitions or name in definitions],
        ),
        skew=skew,
    )
    if problem := unlike(frame, challenger, definitions or {}):
        return replace(known, problem=problem)
    rows = judging(frame, contenders)
    if isinstance(rows, str):
        return replace(known, problem=rows)
    return measured(task, rows, challenger, champion, known)


def unlike(frame: pd.DataFrame, challenger: Contender, definitions: Mapping[str, str]) -> str:
    """Why the frame's features are not those that it learned; empty when they are."""
    if other := redefined(challenger.facts.get("definitions", {}), definitions):
        return (
            f"version {challenger.number} learned other features than today's; defined otherwise "
            f"since: {', '.join(other)}. Train again."
        )
    absent = [name for name in challenger.scorer.encoder.names if name not in frame.columns]
    if not absent:
        return ""
    needs = f"version {challenger.number} needs {', '.join(absent)}"
    return f"features that are no longer computed: {needs}."


def judging(frame: pd.DataFrame, contenders: Sequence[Contender]) -> Judged | str:
    """The rows that neither has seen and whose class the challenger knows; or why there are none.

    A class that it never learned on more than one row in a hundred is such a reason.
    """
    rows = frame[after(frame, contenders)]
    if rows.empty:
        return "no labelled row comes after both models."
    labels = places(rows["label"], contenders[0].scorer.classes)
    known = labels >= 0
    if known.mean() < 1 - MOST_UNLEARNED:
        strange = ", ".join(sorted({str(label) for label in rows["label"][~known]}))
        return f"{(~known).sum()} rows have a class it never learned: {strange}."
    return Judged(frame=rows[known], labels=labels[known])


def measured(
    task: Task,
    rows: Judged,
    challenger: Contender,
    champion: Contender | None,
    known: Evidence,
) -> Evidence:
    """Everything that the gate's rules can be judged by, on these rows."""
    classes = challenger.scorer.classes
    answers = challenger.scorer.score(rows.frame)
    mine = earned(task.costs, challenger, rows.labels, answers)
    found = replace(
        known,
        rows=len(rows.labels),
        positives=rarest(rows.labels, len(classes)),
        seen=overlap(rows.frame, [one for one in (challenger, champion) if one is not None]),
        metrics={
            **measure(task.kind, rows.labels, answers),
            **{name: float(money.mean()) for name, money in mine.items()},
            "latency_ms": latency_ms(challenger.scorer, rows.frame),
            "size_mb": challenger.size_mb,
        },
    )
    if champion is None:
        return found
    theirs = aligned(champion.scorer.score(rows.frame), champion.scorer.classes, classes)
    other = earned(task.costs, champion, rows.labels, theirs)
    pair = Pair(
        kind=task.kind,
        labels=rows.labels,
        challenger=answers,
        champion=theirs,
        customers=rows.frame["customer_id"],
        by_row={name: (money, other[name]) for name, money in mine.items()},
    )
    return compared(task, pair, rows.frame, found)


def compared(task: Task, pair: Pair, frame: pd.DataFrame, found: Evidence) -> Evidence:
    """The evidence with what the gate asks of challenger against champion."""
    rules = task.gate.rules
    asked = dict.fromkeys(rule.metric for rule in rules if isinstance(rule, NotWorse | Better))
    by = [rule for rule in rules if isinstance(rule, NotWorseOnSlices)]
    return replace(
        found,
        differences={name: difference(pair, name) for name in asked if name in comparable(pair)},
        slices=slices(pair, frame, by),
        sliced_by=sliced_by(frame, by),
    )


def earned(
    costs: Costs | None, one: Contender, labels: Labels, answers: Matrix
) -> dict[str, Matrix]:
    """What a version's yeses bring on each row, in money for 1,000 such rows, shape (n,).

    By `expected_value`, at the version's own threshold: what it would do if it served. Empty
    where nobody has said what a yes costs and saves.
    """
    if costs is None:
        return {}
    offered = answers[:, 1] >= one.scorer.threshold
    worth = costs.worth * (labels == 1) - costs.offer
    return {"expected_value": np.where(offered, THOUSAND * worth, 0.0)}


def nothing(problem: str) -> Evidence:
    """What is known where measuring itself broke."""
    return Evidence(rows=0, positives=0, seen=0, metrics={}, differences={}, problem=problem)
