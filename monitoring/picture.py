"""From what was gathered to what is drawn: only the champion's answers, labels in its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lifecycle.home import Home
from lifecycle.task import Kind, Task
from monitoring.approved import Approved
from monitoring.gather import Gathered
from monitoring.report import Drawn, Frames, Plan, draw


def picture(home: Home, task: Task, against: Approved, gathered: Gathered, folder: Path) -> Drawn:
    """Have Evidently draw what was compared, if anything was to be drawn."""
    seen = gathered.pictured
    if seen is None:
        return Drawn()
    number = against.version.number
    current = seen.current
    others = current["version"] != number if len(current) else pd.Series(dtype=bool)
    # another version's answers are not this one's distribution
    current = current.assign(
        **{name: current[name].mask(others) for name in against.answers if len(current)}
    )
    frames = Frames(
        reference=seen.reference,
        current=current,
        approved=outcomes(against.reference, task.kind, seen.segments),
        ripened=outcomes(seen.ripened, task.kind, seen.segments),
    )
    # the most moved first, so that the top of the page is what a person came for
    moved = dict.fromkeys(drift.column for drift in gathered.evidence.drift)
    plan = Plan(
        columns=tuple(moved), kind=task.kind, task=task.name,
        as_of=f"{gathered.evidence.span.end:%Y-%m-%d %H:%M}", segments=seen.segments,
        workspace=home.evidently,
    )  # fmt: skip
    return draw(plan, frames, folder)


def outcomes(frame: pd.DataFrame, kind: Kind, segments: Sequence[str]) -> pd.DataFrame:
    """Label, answer, prediction and segments, the labels in the answers' own words."""
    if frame.empty:
        return pd.DataFrame({"label": [], "answer": [], "prediction": []})
    frame = frame[frame["label"].notna()]
    label = frame["label"]
    words = label.map({True: "yes", False: "no"}) if kind == "binary" else label.astype(str)
    return pd.DataFrame(
        {"label": words, "answer": frame["answer"].astype(str),
         "prediction": frame["prediction"].astype("float64"),
         **{name: frame[name] for name in segments if name in frame}}
    )  # fmt: skip
