"""A comparison as sections of words and tables: the same for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.promotion.side_by_side import pictures
from training.promotion.side_by_side.told_recorded import (
    choices_section,
    data_section,
    features_section,
    own_section,
    verdicts_section,
)
from training.promotion.side_by_side.values import (
    Comparison,
    Curve,
    Importances,
    Looked,
    SameRows,
    Weight,
)
from training.promotion.side_by_side.words import day, named, said, way
from training.report.page import page
from training.report.section import Cell, Section, Table

INTERVAL = ("difference", "95 % from", "to")
MOST_LISTED = 100


def page_of(found: Comparison) -> str:
    """One HTML document that needs nothing else."""
    facts: dict[str, Cell] = {"Question": found.question, "Versions": both_named(found)}
    facts |= {f"Note {place}": note for place, note in enumerate(found.notes, start=1)}
    return page(title_of(found), facts, sections_of(found, drawn=True))


def title_of(found: Comparison) -> str:
    return f"{found.task}: version {found.first.number} beside version {found.second.number}"


def both_named(found: Comparison) -> str:
    return " · ".join(named(one) for one in (found.first, found.second))


def sections_of(found: Comparison, *, drawn: bool = False) -> tuple[Section, ...]:
    """Everything that is told, in the order in which it is read.

    Args:
        found: the comparison.
        drawn: whether to draw the pictures, which a terminal cannot show.
    """
    return (
        same_section(found, drawn=drawn),
        *([slices_section(found, found.same_rows)] if found.same_rows else []),
        own_section(found),
        calibration_section(found, drawn=drawn),
        importance_section(found, drawn=drawn),
        data_section(found),
        features_section(found),
        choices_section(found),
        verdicts_section(found),
    )


def same_section(found: Comparison, *, drawn: bool) -> Section:
    """Metrics of both with paired intervals; or why there are none."""
    title, same = "On the same unseen rows", found.same_rows
    first, second = found.first.number, found.second.number
    if same is None:
        words = (
            f"The versions cannot be held against each other on the same rows: {found.problem} "
            "What follows is what was recorded of each."
        )
        return Section(name="same", title=title, words=words, warnings=(words,))
    rows: list[tuple[Cell, ...]] = [
        (one.metric, way(one.metric), one.first, one.second, one.difference.value,
         one.difference.low, one.difference.high, said(one.better, one.difference.low),
         one.difference.method)
        for one in same.metrics
    ]  # fmt: skip
    columns = (
        "metric", "better is", f"version {first}", f"version {second}", *INTERVAL, "better", "by"
    )  # fmt: skip
    figures = (("differences", pictures.differences_figure(same.metrics, first, second)),)
    return Section(
        name="same",
        title=title,
        words=same_words(found, same),
        tables={"metrics": Table(columns=columns, rows=rows)},
        figures=figures if drawn else (),
    )


def same_words(found: Comparison, same: SameRows) -> str:
    """Which rows, and who is better in what."""
    first, second = found.first.number, found.second.number
    which = (
        f"{same.rows:,} rows of {same.customers:,} customers ({same.rarest:,} of the rarest class) "
        f"that neither version has seen, {day(same.first_moment)} to {day(same.last_moment)}; "
        f"differences are {second} less {first}."
    )
    parts = [which]
    for number in (second, first):
        names = [one.metric for one in same.metrics if one.better == number]
        if names:
            parts.append(f"Version {number} is better in {', '.join(names)}.")
    if not any(one.better for one in same.metrics):
        parts.append("Neither is better beyond chance in any metric.")
    parts.append("Each interval is for itself and by customer: rows of one are alike.")
    return " ".join(parts)


def slices_section(found: Comparison, same: SameRows) -> Section:
    """The same rows by value of features."""
    slices = same.slices
    number = f"{len(slices.compared):,} slices"
    words = (
        f"{slices.metric} ({way(slices.metric)} is better) on {number} of the same rows. A slice "
        "has a better version only where its p-value, by Holm's correction over all of them, is "
        "below 5 %."
        if slices.compared
        else "No slice of the same rows is large enough to compare."
    )
    if slices.left_out:
        words += f" Left out: {'; '.join(slices.left_out)}."
    rows: list[tuple[Cell, ...]] = [
        (one.feature, one.value, one.rows, one.rarest, one.first, one.second, one.difference.value,
         one.difference.low, one.difference.high, one.p_value, said(one.better, one.p_value))
        for one in slices.compared
    ]  # fmt: skip
    columns = (
        "feature", "value", "rows", "rarest class", f"version {found.first.number}",
        f"version {found.second.number}", *INTERVAL, "p (Holm)", "better",
    )  # fmt: skip
    tables = {f"{slices.metric} by slice": Table(columns=columns, rows=rows)} if rows else {}
    return Section(name="slices", title="By slice", words=words, tables=tables)


def calibration_section(found: Comparison, *, drawn: bool) -> Section:
    """Both curves, bin beside bin."""
    curves = found.calibration
    if not curves:
        words = "There are no rows to measure it on."
        return Section(name="calibration", title="Calibration", words=words)
    what = "the probability of a yes" if found.kind == "binary" else "the answer's own probability"
    told = ", ".join(f"{one.version} ece {one.ece:.4f} on {one.rows:,} rows" for one in curves)
    where = " and ".join(dict.fromkeys(one.on for one in curves))
    figure = (("curves", pictures.calibration_figure(curves)),) if drawn else ()
    return Section(
        name="calibration",
        title="Calibration",
        words=f"Of {what}, on {where}: {told}. Bins hold equally many rows; intervals are by "
        "customer.",
        tables={"bins": Table(columns=curve_columns(curves), rows=list(curve_rows(curves)))},
        figures=figure,
    )


def curve_columns(curves: Sequence[Curve]) -> tuple[str, ...]:
    each = ("rows", "said", "happened", "95 % from", "to")
    return ("bin", *(f"{one.version} {name}" for one in curves for name in each))


def curve_rows(curves: Sequence[Curve]) -> Iterator[tuple[Cell, ...]]:
    """One line a bin; a version with fewer bins has gaps at the end."""
    gap: tuple[Cell, ...] = (None,) * 5
    for place in range(max(len(one.bins) for one in curves)):
        cells: list[Cell] = [place + 1]
        for one in curves:
            if place < len(one.bins):
                part = one.bins[place]
                cells += [part.rows, part.said, part.happened, part.low, part.high]
            else:
                cells += gap
        yield tuple(cells)


def importance_section(found: Comparison, *, drawn: bool) -> Section:
    """What each looks at."""
    first, second = found.first.number, found.second.number
    counting = [one for one in found.importances.features if counts(one)]
    rows = [importance_row(one) for one in counting[:MOST_LISTED]]
    columns = (
        "feature", f"{first} share", f"{second} share", "difference", f"{first} rank",
        f"{second} rank", f"{first} effect", f"{second} effect",
    )  # fmt: skip
    figure = pictures.importance_figure(found.importances, first, second) if drawn else None
    return Section(
        name="importance",
        title="What each looks at",
        words=importance_words(found.importances, len(counting)),
        tables={"importance": Table(columns=columns, rows=rows)} if rows else {},
        figures=(("importance", figure),) if figure and rows else (),
    )


def importance_words(found: Importances, counting: int) -> str:
    idle = len(found.features) - counting
    further = f" Listed are the foremost {MOST_LISTED}." if counting > MOST_LISTED else ""
    unused = f" {idle:,} more features move no answer of either." if idle else ""
    return (
        f"A feature's share is {found.source}. It says what a version uses, and not what causes "
        f"anything.{further}{unused}"
    )


def counts(one: Looked) -> bool:
    return any(weight is not None and weight.rank for weight in (one.first, one.second))


def importance_row(one: Looked) -> tuple[Cell, ...]:
    first, second = one.first, one.second
    gap = None if first is None or second is None else second.share - first.share
    return (
        one.feature, share(first), share(second), gap,
        first.rank if first else None, second.rank if second else None,
        first.effect if first else "absent", second.effect if second else "absent",
    )  # fmt: skip


def share(weight: Weight | None) -> float | None:
    return None if weight is None else weight.share
