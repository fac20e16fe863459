"""How well several classes are ranked, against popularity and neighbours: one report section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lifecycle.metrics import ROW_METRICS, Labels, metric, row_top
from training.calibration import Entities, standard_error
from training.gains import Interval
from training.model import Matrix
from training.report.curves import ranks_figure
from training.report.section import Cell, Section, Table

OURS = "this model"
MOST_SHOWN = 5
COMPARED = ("log_loss", "accuracy")
NORMAL = 1.959964  # standard errors on either side of a 95 % interval
CALLED = {"prior": "popularity", "accuracy": "first is right"}


def ranking_section(
    labels: Labels,
    probabilities: Matrix,
    classes: Sequence[str],
    entities: Entities | None,
    rivals: Mapping[str, Matrix],
) -> Section:
    """Top-k shares, macro-F1 and log-loss of the model and of each rival on the same rows.

    Args:
        labels: class indices, shape (n,), at least one.
        probabilities: shape (n, classes).
        classes: names; numbers where there are none.
        entities: whose each row is, for intervals.
        rivals: baseline → probabilities of the same rows; `prior` is shown as popularity.
    """
    systems = {OURS: probabilities} | {CALLED.get(n, n): p for n, p in rivals.items()}
    tops = {name: top_shares(labels, p) for name, p in systems.items()}
    losses = {name: metric("multiclass", "log_loss", labels, p) for name, p in systems.items()}
    gaps = {
        (name, one): gap_of(labels, (probabilities, p), one, entities)
        for name, p in systems.items()
        if name != OURS
        for one in COMPARED
    }
    macro = metric("multiclass", "macro_f1", labels, probabilities)
    return Section(
        name="decisions",
        title="Ranking",
        words=words_of(tops, losses, gaps),
        tables={
            "ranked": ranked_table(labels, systems, tops, losses),
            **({"against": against_table(gaps)} if gaps else {}),
            "by class": class_table(labels, probabilities, classes),
        },
        figures=(("ranks", ranks_figure(tops)),),
        metrics={f"top{k}": share for k, share in enumerate(tops[OURS], start=1)}
        | {"macro_f1": macro, "log_loss": losses[OURS]},
        warnings=warnings_of(gaps),
    )


def gap_of(
    labels: Labels, ours_theirs: tuple[Matrix, Matrix], name: str, entities: Entities | None
) -> Interval:
    """The model minus a rival in a metric that is a mean over rows.

    The interval is the normal one with rows of an entity summed: on samples of this size the
    bootstrap of `training.promotion.paired` gives the same and takes a second for each.
    """
    ours, theirs = (ROW_METRICS[name](labels, p) for p in ours_theirs)
    gap = ours - theirs
    codes, known = pd.factorize(np.arange(len(gap)) if entities is None else np.asarray(entities))
    half = NORMAL * standard_error(gap, codes) if len(known) > 1 else float("nan")
    value = float(gap.mean())
    return Interval(value=value, low=value - half, high=value + half)


def top_shares(labels: Labels, probabilities: Matrix) -> list[float]:
    """How often the truth is among the first k, for k = 1 … at most 5."""
    shown = min(MOST_SHOWN, probabilities.shape[1])
    return [float(row_top(k)(labels, probabilities).mean()) for k in range(1, shown + 1)]


def words_of(
    tops: Mapping[str, Sequence[float]],
    losses: Mapping[str, float],
    gaps: Mapping[tuple[str, str], Interval],
) -> str:
    """What a marketer takes away."""
    first, second = tops[OURS][0], tops[OURS][1]
    others = "; ".join(
        f"{name.replace('_', ' ')}: {tops[name][0]:.1%} and {tops[name][1]:.1%}"
        for name in tops
        if name != OURS
    )
    said = f"The one that is ranked first is right for {first:.1%} of the rows, and the truth "
    said += f"is among the first two for {second:.1%}" + (f" ({others})." if others else ".")
    if not gaps:
        return said
    best = min((name for name in losses if name != OURS), key=losses.__getitem__)
    gap = gaps[best, "log_loss"]
    verdict = "no difference that could be seen" if gap.low <= 0 <= gap.high else "a difference"
    return (
        f"{said} Log-loss {losses[OURS]:.4f}, against {losses[best]:.4f} of the best of them, "
        f"{best.replace('_', ' ')}: {verdict} ({gap.value:+.4f}, 95 % interval {gap.low:+.4f} to "
        f"{gap.high:+.4f})."
    )


def warnings_of(gaps: Mapping[tuple[str, str], Interval]) -> tuple[str, ...]:
    """Where a baseline is better beyond chance."""
    return tuple(
        f"{name.replace('_', ' ').capitalize()} has a lower log-loss than the model "
        f"({gap.value:.4f} lower, 95 % interval {gap.low:.4f} to {gap.high:.4f})."
        for (name, one), gap in gaps.items()
        if one == "log_loss" and gap.low > 0
    )


def ranked_table(
    labels: Labels,
    systems: Mapping[str, Matrix],
    tops: Mapping[str, Sequence[float]],
    losses: Mapping[str, float],
) -> Table:
    """One row a system."""
    rows: list[tuple[Cell, ...]] = [
        (
            name.replace("_", " "),
            *tops[name],
            metric("multiclass", "macro_f1", labels, p),
            losses[name],
        )
        for name, p in systems.items()
    ]
    shown = tuple(f"top {k}" for k in range(1, len(tops[OURS]) + 1))
    return Table(columns=("ranked by", *shown, "macro-F1", "log-loss"), rows=rows)


def against_table(gaps: Mapping[tuple[str, str], Interval]) -> Table:
    """The model minus each rival, with intervals by entity."""
    rows: list[tuple[Cell, ...]] = [
        (name.replace("_", " "), CALLED.get(one, one).replace("_", "-"), g.value, g.low, g.high)
        for (name, one), g in gaps.items()
    ]
    return Table(columns=("against", "metric", "difference", "low", "high"), rows=rows)


def class_table(labels: Labels, probabilities: Matrix, classes: Sequence[str]) -> Table:
    """How common each class is, how common it was said to be, and how well it is found."""
    answers = probabilities.argmax(axis=1)
    rows: list[tuple[Cell, ...]] = []
    for one in range(probabilities.shape[1]):
        truth, said = labels == one, answers == one
        both = int((truth & said).sum())
        rows.append(
            (
                classes[one] if classes else str(one),
                int(truth.sum()),
                float(truth.mean()),
                float(probabilities[:, one].mean()),
                both / int(said.sum()) if said.any() else None,
                both / int(truth.sum()) if truth.any() else None,
            )
        )
    return Table(columns=("class", "rows", "share", "said", "precision", "recall"), rows=rows)
