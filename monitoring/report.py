"""The report that people read, drawn by Evidently. This is the one file that imports it.

It is drawn in a process of its own (`python -m monitoring.report FOLDER`), because the import
takes seconds and hundreds of megabytes, and because a report that fails must not take the
verdict with it: the verdict rests on `monitoring.drift`, and this draws the same comparison.
Methods and thresholds are pinned, for Evidently chooses others by the number of rows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle import strict_json
from lifecycle.profile import clean, kind_of
from lifecycle.task import Kind
from monitoring.drift import ALPHA

MOST_ROWS = 20_000  # plots cost more than tests, and gain nothing from more rows
NUMBER_METHOD = "ks"  # a p-value
CATEGORY_METHOD = "jensenshannon"  # a distance; Evidently's own chisquare is no two-sample test
CATEGORY_DISTANCE = 0.1
MISSING = "(missing)"
SECONDS = 600.0
MOST_COLUMNS, SUMMARISED = 30, 12  # each costs a fifth of a second of plots
LEAST_CLASSES = 2
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
        seed: of the sample.
    """

    columns: tuple[str, ...]
    kind: Kind
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What to draw from.

    Attributes:
        reference: the version's own test sample.
        current: the window.
        approved: label, answer and prediction on the reference …
        ripened: … and in the newest window of ripened labels; may be empty.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    approved: pd.DataFrame = field(default_factory=pd.DataFrame)
    ripened: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Where the report is; `problem` says why there is none."""

    html: Path | None = None
    json: Path | None = None
    performance_html: Path | None = None
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
        strict_json.write(inputs / PLAN, {**asdict(plan), "out": str(folder.resolve())})
        for name in FRAMES:
            sampled(getattr(frames, name), plan.seed).to_parquet(inputs / f"{name}.parquet")
        try:
            done = subprocess.run(  # noqa: S603  our own module, by the interpreter that runs us
                [sys.executable, "-m", "monitoring.report", made],
                capture_output=True, text=True, timeout=SECONDS, check=False,
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
        drifted=tuple(found["drifted"]),
        left_out=tuple(found["left_out"]),
    )


def sampled(frame: pd.DataFrame, seed: int, most: int = MOST_ROWS) -> pd.DataFrame:
    """At most `most` rows, each answer in its own proportion, in the frame's order."""
    if len(frame) <= most:
        return frame
    if "answer" not in frame:
        return frame.sample(most, random_state=seed).sort_index()
    fraction = most / len(frame)
    parts = [
        part.sample(int(len(part) * fraction), random_state=seed)
        for _, part in frame.groupby("answer", sort=True, dropna=False)
    ]
    return pd.concat(parts).sort_index()


def drawable(frames: Frames, columns: Sequence[str]) -> tuple[Frames, tuple[str, ...]]:
    """Columns that Evidently survives: float64 and text, none that is missing throughout."""
    kept: dict[str, tuple[pd.Series, pd.Series]] = {}
    for name in columns:
        kind = kind_of(frames.reference[name])
        before = clean(frames.reference[name], kind)
        after = (
            clean(frames.current[name], kind)
            if name in frames.current
            else pd.Series(index=frames.current.index, dtype="float64")
        )
        if before.notna().any() and after.notna().any():
            fill = kind == "category"
            kept[name] = (
                before.fillna(MISSING) if fill else before,
                after.fillna(MISSING) if fill else after,
            )
    reference = pd.DataFrame({name: pair[0] for name, pair in kept.items()})
    current = pd.DataFrame({name: pair[1] for name, pair in kept.items()})
    made = Frames(
        reference=reference, current=current, approved=frames.approved, ripened=frames.ripened
    )
    return made, tuple(name for name in columns if name not in kept)


def main(inputs: Path) -> None:
    """Draw what the plan in `inputs` says; called in the process of its own."""
    stored = json.loads((inputs / PLAN).read_text(encoding="utf-8"))
    plan = Plan(columns=tuple(stored["columns"]), kind=stored["kind"], seed=stored["seed"])
    out = Path(stored["out"])
    given = Frames(**{name: pd.read_parquet(inputs / f"{name}.parquet") for name in FRAMES})
    frames, left_out = drawable(given, plan.columns)
    drift = drift_snapshot(frames, compared=len(plan.columns) - len(left_out))
    drift.save_html(str(out / REPORT_HTML))  # a Path is silently not written
    performance = performance_snapshot(plan.kind, frames)
    if performance is not None:
        performance.save_html(str(out / PERFORMANCE_HTML))
    strict_json.write(
        out / REPORT_JSON,
        {
            "left_out": left_out,
            "drifted": drifted(drift.dict()),
            "drift": drift.dict(),
            "performance": performance.dict() if performance is not None else None,
        },
    )


def threshold(columns: int) -> float:
    """Bonferroni: Evidently judges each column alone."""
    return ALPHA / max(columns, 1)


def drift_snapshot(frames: Frames, *, compared: int) -> Any:
    """Evidently's drift of the first columns and its summary of the very first.

    Column by column and not by its preset, which computes each column three times.
    """
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  seconds, so only here
    from evidently.metrics import ValueDrift  # noqa: PLC0415
    from evidently.presets import DataSummaryPreset  # noqa: PLC0415

    columns = list(frames.reference.columns)[:MOST_COLUMNS]
    kinds = {name: kind_of(frames.reference[name]) for name in columns}
    definition = DataDefinition(
        numerical_columns=[name for name in columns if kinds[name] == "number"],
        categorical_columns=[name for name in columns if kinds[name] == "category"],
    )
    pinned = {
        "number": {"method": NUMBER_METHOD, "threshold": threshold(compared)},
        "category": {"method": CATEGORY_METHOD, "threshold": CATEGORY_DISTANCE},
    }
    drifts = [ValueDrift(column=name, **pinned[kinds[name]]) for name in columns]
    return Report([*drifts, DataSummaryPreset(columns=columns[:SUMMARISED])]).run(
        Dataset.from_pandas(frames.current[columns], data_definition=definition),
        Dataset.from_pandas(frames.reference[columns], data_definition=definition),
    )


def performance_snapshot(kind: Kind, frames: Frames) -> Any | None:
    """Evidently's classification quality of ripened answers against those at approval."""
    labels = frames.ripened["label"].nunique() if len(frames.ripened) else 0
    if frames.approved.empty or labels < LEAST_CLASSES:
        return None
    import evidently  # noqa: PLC0415
    from evidently.presets import ClassificationQuality  # noqa: PLC0415

    role = (
        evidently.BinaryClassification(
            target="label", prediction_labels="answer", prediction_probas="prediction",
            pos_label="yes",
        )
        if kind == "binary"
        else evidently.MulticlassClassification(target="label", prediction_labels="answer")
    )  # fmt: skip
    definition = evidently.DataDefinition(
        classification=[role],
        categorical_columns=["label", "answer"],
        numerical_columns=["prediction"] if kind == "binary" else [],
    )
    return evidently.Report([ClassificationQuality(conf_matrix=True)]).run(
        evidently.Dataset.from_pandas(frames.ripened, data_definition=definition),
        evidently.Dataset.from_pandas(frames.approved, data_definition=definition),
    )


def drifted(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """Columns beyond the pinned thresholds: a p-value below, or a distance from it on."""
    found = []
    for metric in snapshot["metrics"]:
        config = metric["config"]
        if not config["type"].endswith(":ValueDrift"):
            continue
        value = float(metric["value"])
        by_p_value = config["method"] == NUMBER_METHOD
        if value < config["threshold"] if by_p_value else value >= config["threshold"]:
            found.append(str(config["column"]))
    return tuple(sorted(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
