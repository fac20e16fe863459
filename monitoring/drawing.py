"""Draws the report in the process of its own. This is the one file that imports Evidently.

Methods and thresholds are pinned, for Evidently chooses others by the number of rows.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle import strict_json
from lifecycle.lock import held
from lifecycle.profile import clean, kind_of
from lifecycle.task import Kind
from monitoring.drift import ALPHA
from monitoring.report import (
    FRAMES,
    PERFORMANCE_HTML,
    PLAN,
    REPORT_HTML,
    REPORT_JSON,
    Frames,
    Plan,
)

NUMBER_METHOD = "ks"  # a p-value
CATEGORY_METHOD = "jensenshannon"  # a distance; Evidently's own chisquare is no two-sample test
CATEGORY_DISTANCE = 0.1
MISSING = "(missing)"
MOST_COLUMNS, SUMMARISED = 30, 12  # each costs a fifth of a second of plots
LEAST_CLASSES = 2
PATIENCE_SECONDS = 300.0
OUTCOMES = ("label", "answer", "prediction")
MOST_SEGMENTS, LEAST_OF_A_SEGMENT = 4, 100  # each costs a second, and four megabytes of page
MOST_LETTERS = 60  # of a segment in a file's name


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
    out, workspace = Path(stored.pop("out")), stored.pop("workspace")
    told: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in stored.items()}
    plan = Plan(**told)
    given = Frames(**{name: pd.read_parquet(inputs / f"{name}.parquet") for name in FRAMES})
    frames, left_out = drawable(given, plan.columns)
    drift = drift_snapshot(frames, compared=len(plan.columns) - len(left_out))
    drift.save_html(str(out / REPORT_HTML))  # a Path is silently not written
    performance = performance_snapshot(plan.kind, frames.approved, frames.ripened)
    if performance is not None:
        performance.save_html(str(out / PERFORMANCE_HTML))
    segments = {
        page_of(number, name): (name, snapshot)
        for number, (name, snapshot) in enumerate(by_segment(plan, frames), 1)
    }
    for page, (_, snapshot) in segments.items():
        snapshot.save_html(str(out / page))
    drawn = {"drift": drift, "performance": performance, **dict(segments.values())}
    shown = {name: snapshot for name, snapshot in drawn.items() if snapshot is not None}
    strict_json.write(
        out / REPORT_JSON,
        {
            "left_out": left_out,
            "drifted": drifted(drift.dict()),
            "drift": drift.dict(),
            "performance": performance.dict() if performance is not None else None,
            "segments": {page: {"segment": name, **snapshot.dict()}
                         for page, (name, snapshot) in segments.items()},
            "runs": browse(Path(workspace), plan, shown, out) if workspace else [],
        },
    )  # fmt: skip


def by_segment(plan: Plan, frames: Frames) -> Iterator[tuple[str, Any]]:
    """Quality of the largest segments that the ripened rows can speak for, by name."""
    if frames.ripened.empty:
        return
    sizes = {
        (column, value): int(rows)
        for column in plan.segments
        if column in frames.ripened and column in frames.approved
        for value, rows in frames.ripened[column].value_counts().items()
        if rows >= LEAST_OF_A_SEGMENT
    }
    drawn = 0
    for column, value in sorted(sizes, key=lambda one: (-sizes[one], one)):
        parts = [frame[frame[column] == value] for frame in (frames.approved, frames.ripened)]
        snapshot = performance_snapshot(plan.kind, *parts)
        if snapshot is not None and drawn < MOST_SEGMENTS:
            drawn += 1
            yield f"{column} = {value}", snapshot


def page_of(number: int, segment: str) -> str:
    """A file's name of its own, whatever the segment's value is."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", segment)[:MOST_LETTERS].strip("-").lower()
    return f"performance-{number}-{readable}.html"


def browse(workspace: Path, plan: Plan, shown: Mapping[str, Any], out: Path) -> list[str]:
    """Put the snapshots where `evidently ui` shows them, in place of this window's earlier ones.

    Returns:
        What the window's runs are called there, so that drawing it again replaces them.

    Raises:
        Busy: another process files its own for minutes.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    lock = workspace.with_name(f"{workspace.name}.lock")
    # Evidently reads every file of the workspace, and would read another task's half written
    with held(lock, "Filing Evidently's pages", patience_seconds=PATIENCE_SECONDS):
        from evidently.ui.workspace import Workspace  # noqa: PLC0415  seconds, so only here

        pages = Workspace.create(str(workspace))
        known = [one for one in pages.search_project(plan.task) if one.name == plan.task]
        project = known[0] if known else pages.create_project(plan.task)
        earlier = out / REPORT_JSON
        if earlier.exists():
            for run in json.loads(earlier.read_text(encoding="utf-8")).get("runs", []):
                pages.delete_run(project.id, run)
        return [
            str(pages.add_run(project.id, snapshot, name=f"{plan.as_of} {name}").id)
            for name, snapshot in shown.items()
        ]


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


def performance_snapshot(kind: Kind, approved: pd.DataFrame, ripened: pd.DataFrame) -> Any | None:
    """Evidently's classification quality of ripened answers against those at approval."""
    if min(labels_of(approved), labels_of(ripened)) < LEAST_CLASSES:
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
        evidently.Dataset.from_pandas(ripened[list(OUTCOMES)], data_definition=definition),
        evidently.Dataset.from_pandas(approved[list(OUTCOMES)], data_definition=definition),
    )


def labels_of(frame: pd.DataFrame) -> int:
    """How many classes its labels hold."""
    return int(frame["label"].nunique()) if len(frame) else 0


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
