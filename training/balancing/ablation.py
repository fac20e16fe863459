"""What balancing brings on these rows: measured, told and drawn as one section of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS, known, measured
from lifecycle.progress import Progress, silent
from lifecycle.space import Balancing
from lifecycle.task import Kind
from training.balancing.balance import INTERPOLATING, RESAMPLING, Balance
from training.balancing.methods import Ablation, ablate
from training.balancing.picture import figure
from training.balancing.verdict import TITLES, reading, warnings, words
from training.folds import Problem
from training.parts import Names
from training.report.section import Cell, Section, Table
from training.search.plan import Candidate

SHOWN: Mapping[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier", "ece"),
    "multiclass": ("log_loss", "accuracy", "macro_f1", "top2", "ece"),
}


def ablation_section(
    kind: Kind, problem: Problem, candidate: Candidate, entities: Names, seed: int,
    progress: Progress = silent,
) -> Section:  # fmt: skip
    """Measure what each method of balancing brings on these rows, and say it; see `ablate`."""
    found = ablate(kind, problem, candidate, entities, seed, progress)
    return Section(
        name="balancing",
        title="Does balancing help here?",
        words=words(found),
        tables={"methods": methods_table(found), "differences_to_none": differences_table(found)},
        figures=(("differences", figure(found)),),
        metrics=metrics(found),
        warnings=warnings(found),
    )


def methods_table(found: Ablation) -> Table:
    """Every method before and after calibration."""
    rows: list[tuple[Cell, ...]] = []
    for method, tried in found.tried.items():
        for stage, answers in (("no", tried.raw), ("yes", tried.calibrated)):
            values = [METRICS[found.kind][m](found.labels, answers) for m in SHOWN[found.kind]]
            rows.append((
                TITLES[method], settings(tried.balance), stage, *map(known, values), tried.note
            ))  # fmt: skip
    return Table(
        columns=("method", "settings", "calibrated", *SHOWN[found.kind], "note"), rows=rows
    )


def settings(balance: Balance) -> str:
    if balance.method in INTERPOLATING:
        return f"k {balance.k_neighbors}, ratio {balance.ratio:g}"
    return f"ratio {balance.ratio:g}" if balance.method in RESAMPLING else ""


def differences_table(found: Ablation) -> Table:
    """Every difference to `none` with its interval and how to read it."""
    rows: list[tuple[Cell, ...]] = [
        (
            TITLES[method], "yes" if calibrated else "no", metric, known(one.value),
            known(one.low), known(one.high), reading(one, metric),
        )
        for method, calibrated, metric, one in every(found)
    ]  # fmt: skip
    return Table(
        columns=("method", "calibrated", "metric", "difference", "low", "high", "reading"),
        rows=rows,
    )


def every(found: Ablation) -> Iterator[tuple[Balancing, bool, str, Difference]]:
    for method in found.tried:
        for calibrated, told in ((False, found.before), (True, found.after)):
            for metric, one in told.get(method, {}).items():
                yield method, calibrated, metric, one


def metrics(found: Ablation) -> dict[str, float]:
    """`<method>.<metric>` after calibration, `<method>.raw_…` before, differences in log-loss."""
    values: dict[str, float] = {}
    for method, tried in found.tried.items():
        for metric in SHOWN[found.kind]:
            measure = METRICS[found.kind][metric]
            values[f"{method}.{metric}"] = measure(found.labels, tried.calibrated)
            if metric in {"log_loss", "ece"}:
                values[f"{method}.raw_{metric}"] = measure(found.labels, tried.raw)
        if method != "none":
            values[f"{method}.log_loss_difference"] = found.after[method]["log_loss"].value
    return measured(values)
