"""How a task's rollout stands: its plan, its steps in the ledger, and what the log holds of it.

What is compared is read from the prediction log, over all servers. Failures and times are each
server's own: /ready has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lifecycle.gate.verdict import Finding
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.prediction_log import PredictionLog
from lifecycle.rollouts import STEPS, Rollout, Rollouts
from serving.rollout.guardrails import SameScores
from serving.rollout.seen import FIRST_LOOK, Compared, Record
from serving.rollout.shadow import receipt

NEWEST_STEPS = 5


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Answers that both versions gave to the same question.

    Attributes:
        difference: mean distance of the probabilities, over all classes.
        likeliest: share of the answers in which both find the same class likeliest.
    """

    answers: int
    difference: float
    likeliest: float


@dataclass(frozen=True, kw_only=True)
class RolloutReport:
    """A task's rollout.

    Attributes:
        rollout: the open one; None where there is none.
        row: of the ledger, that the step of this call wrote; None where it changed nothing.
        champion_answers: in the log since the stage began; challenger_answers: the same.
        pairs: of a shadow, what both said.
        scores: the two populations, where there are enough customers on either side.
        steps: the newest in the ledger, newest first.
    """

    task: str
    rollout: Rollout | None
    row: int | None = None
    champion_answers: int = 0
    challenger_answers: int = 0
    pairs: Pairs | None = None
    scores: Finding | None = None
    steps: tuple[Entry, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{self.task}: {self.rollout.words if self.rollout else 'no rollout is open'}"
        if self.rollout and self.rollout.since:
            yield (
                f"  since {self.rollout.since:%Y-%m-%d %H:%M} UTC: {self.challenger_answers:,} "
                f"answers of the challenger, {self.champion_answers:,} of the champion"
            )
        if self.pairs:
            yield (
                f"  both asked {self.pairs.answers:,} times: {self.pairs.difference:.4f} apart on "
                f"average, {self.pairs.likeliest:.1%} with the same class likeliest"
            )
        if self.scores:
            yield f"  {self.scores.words}"
        for step in self.steps:
            share = f" {step.evidence['share']:g} %" if "share" in step.evidence else ""
            yield f"  {step.at}  {step.decision}{share}  {step.version} ({step.actor}): {step.why}"


def report(
    home: Home, task: str, *, row: int | None = None, of: Rollout | None = None
) -> RolloutReport:
    """How the task's rollout stands now.

    Args:
        home: where everything lives.
        task: its name.
        row: what the step that asks has written.
        of: one that has just ended, whose answers are told a last time.
    """
    rollout = Rollouts(home).open(task)
    steps = steps_of(home, task)
    told = rollout or of
    if told is None or told.since is None:
        return RolloutReport(task=task, rollout=rollout, row=row, steps=steps)
    logged = PredictionLog(home).scored_since(task, told.since)
    other = "shadow" if told.stage == "shadow" else "canary"
    theirs = logged[(logged["version"] == told.challenger) & (logged["origin"] == other)]
    ours = logged[(logged["version"] == told.champion) & (logged["origin"] != "shadow")]
    return RolloutReport(
        task=task,
        rollout=rollout,
        row=row,
        champion_answers=len(ours),
        challenger_answers=len(theirs),
        pairs=paired(told, ours, theirs) if told.stage == "shadow" else None,
        scores=distance(ours, theirs),
        steps=steps,
    )


def steps_of(home: Home, task: str) -> tuple[Entry, ...]:
    """What the ledger tells of the task's rollouts."""
    marks = ", ".join("?" * len(STEPS))
    return Ledger(home).select(f"task = ? AND decision IN ({marks})", (task, *STEPS), NEWEST_STEPS)


def paired(rollout: Rollout, ours: pd.DataFrame, theirs: pd.DataFrame) -> Pairs | None:
    """What both said to the same question; None where they were asked none."""
    if ours.empty or theirs.empty:  # an empty column has no type to be joined by
        return None
    asked = ours.assign(receipt_id=[receipt(one, rollout.challenger) for one in ours["receipt_id"]])
    both = asked.merge(theirs, on="receipt_id", suffixes=("", "_other"))
    if both.empty:
        return None
    one, other = (matrix(both[name]) for name in ("probabilities", "probabilities_other"))
    one, other = one.align(other, fill_value=0.0)
    return Pairs(
        answers=len(both),
        difference=float(np.abs(one.to_numpy() - other.to_numpy()).mean()),
        likeliest=float((one.idxmax(axis=1) == other.idxmax(axis=1)).mean()),
    )


def distance(ours: pd.DataFrame, theirs: pd.DataFrame) -> Finding | None:
    """The populations of scores, each customer's newest; None while there are too few."""
    sides = [newest(frame) for frame in (ours, theirs)]
    if min(len(side) for side in sides) < FIRST_LOOK:
        return None
    one, other = (matrix(side["probabilities"]) for side in sides)
    names = [str(name) for name in one.columns]
    shown = ["yes"] if set(names) == {"no", "yes"} else names
    compared = Compared(
        look=0, classes=tuple(shown), champion=one[shown].to_numpy(),
        challenger=other.reindex(columns=shown, fill_value=0.0).to_numpy(),
    )  # fmt: skip
    return SameScores().finding(Record(compared=compared))


def newest(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a customer; rows that were sent without one are each their own."""
    who = frame["customer_id"].where(frame["customer_id"].notna(), frame["receipt_id"])
    return frame.assign(who=who).drop_duplicates("who", keep="last")


def matrix(probabilities: pd.Series[str]) -> pd.DataFrame:
    """Probabilities by class, one row each."""
    return pd.DataFrame([json.loads(one) for one in probabilities]).fillna(0.0)
