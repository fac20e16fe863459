"""The report that people read, drawn by Evidently in a process of its own.

The process (`python -m monitoring.drawing FOLDER`) is another one because importing Evidently
takes seconds and hundreds of megabytes, and because a report that fails must not take the
verdict with it: the verdict rests on `monitoring.drift`, and the report draws the same comparison.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from lifecycle import strict_json
from lifecycle.task import Kind

MOST_ROWS = 20_000  # plots cost more than tests, and gain nothing from more rows
SECONDS = 600.0
PLAN, REPORT_HTML, PERFORMANCE_HTML, REPORT_JSON = (
    "plan.json", "report.html", "performance.html", "report.json",
)  # fmt: skip
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)(:|$)")
FRAMES = ("reference", "current", "approved", "ripened")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to draw.

    Attributes:
        columns: compared columns, the most telling first; each has the kind that it has in the
            reference. The first `MOST_COLUMNS` are drawn, the first `SUMMARISED` described.
        kind: of the task, for the classification report.
        task, as_of: what the window is called where people browse windows.
        segments: columns by whose values quality is drawn apart.
        workspace: folder of Evidently's own pages over all windows; None: the report alone.
        seed: of the sample.
    """

    columns: tuple[str, ...]
    kind: Kind
    task: str = ""
    as_of: str = ""
    segments: tuple[str, ...] = ()
    workspace: Path | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What to draw from.

    Attributes:
        reference: the version's own test sample.
        current: the window.
        approved: label, answer, prediction and segments on the reference …
        ripened: … and in the newest window of ripened labels; may be empty.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    approved: pd.DataFrame = field(default_factory=pd.DataFrame)
    ripened: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Where the report is.

    Attributes:
        segment_htmls: quality of one segment each.
        problem: why there is no report.
    """

    html: Path | None = None
    json: Path | None = None
    performance_html: Path | None = None
    segment_htmls: tuple[Path, ...] = ()
    drifted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    problem: str = ""


def draw(plan: Plan, frames: Frames, folder: Path) -> Drawn:
    """Draw into `folder` in another process, and read back what it found. Never raises for it."""
    if frames.reference.empty or frames.current.empty:
        return Drawn(problem="there were no rows to draw")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="onramp-report-") as made:
        inputs = Path(made)
        strict_json.write(inputs / PLAN, {**asdict(plan), "out": folder.resolve()})
        for name in FRAMES:
            sampled(getattr(frames, name), plan.seed).to_parquet(inputs / f"{name}.parquet")
        try:
            done = subprocess.run(  # noqa: S603  our own module, by the interpreter that runs us
                [sys.executable, "-m", "monitoring.drawing", made],
                capture_output=True, text=True, timeout=SECONDS, check=False,
                env={**os.environ, "DO_NOT_TRACK": "1"},  # Evidently would tell its makers
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Drawn(problem=f"drawing took longer than {SECONDS:.0f} s")
    if done.returncode:
        return Drawn(problem=last_words(done.stderr))
    return read(folder)


def last_words(errors: str) -> str:
    """What a process died of: libraries may speak after the exception, while they are torn down."""
    lines = errors.strip().splitlines()
    raised = [line for line in lines if EXCEPTION.match(line)]
    return (raised or lines or ["it died without a word"])[-1]


def read(folder: Path) -> Drawn:
    """What a report that was drawn into `folder` holds."""
    found = json.loads((folder / REPORT_JSON).read_text(encoding="utf-8"))
    performance = folder / PERFORMANCE_HTML
    return Drawn(
        html=folder / REPORT_HTML,
        json=folder / REPORT_JSON,
        performance_html=performance if found["performance"] else None,
        segment_htmls=tuple(folder / name for name in found["segments"]),
        drifted=tuple(found["drifted"]),
        left_out=tuple(found["left_out"]),
    )


def sampled(frame: pd.DataFrame, seed: int, most: int = MOST_ROWS) -> pd.DataFrame:
    """So many rows, each answer in its own share and one row of it at least; in their order."""
    if len(frame) <= most:
        return frame
    if "answer" not in frame:
        return frame.sample(most, random_state=seed).sort_index()
    fraction = most / len(frame)
    parts = [
        part.sample(max(1, int(len(part) * fraction)), random_state=seed)
        for _, part in frame.groupby("answer", sort=True, dropna=False)
    ]
    return pd.concat(parts).sort_index()
