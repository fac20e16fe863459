"""What a version cannot be trusted with, as far as its own record says."""

from __future__ import annotations

from collections.abc import Iterator

from training.promotion.card.values import Recorded
from training.promotion.side_by_side.words import day
from training.report.section import Section, Table
from training.trainingset import BROKEN_MOMENTS, BROKEN_SPANS

MOST_NAMED = 12


def limits_section(found: Recorded) -> Section:
    """One line for each; what its training warned of stands on top of the page, too."""
    told = tuple(limits(found))
    return Section(
        name="limits",
        title="Limits",
        words="What the numbers above do not say.",
        tables={"limits": Table(columns=("limit",), rows=[(text,) for text in told])},
        warnings=(found.side.warnings,) if found.side.warnings else (),
    )


def limits(found: Recorded) -> Iterator[str]:
    """In the order of how often they are forgotten."""
    side, facts = found.side, found.facts
    days = ", ".join(str(one) for one in facts["moments"])
    yield (
        f"It learned from outcomes until {day(side.labels_known_until)}. What has changed since, "
        "it does not know: monitoring watches for that."
    )
    yield f"It was tested {days} days after sign-up and at no other time."
    yield from of_data(found)
    yield from of_slices(found)
    yield from of_classes(found)
    yield (
        "A feature that moves the answer need not move the customer: the model says who, not what "
        "would help."
    )
    if not found.measured.rows:
        yield "It carries no labelled test rows: no interval, no slice and no bin could be told."


def of_data(found: Recorded) -> Iterator[str]:
    name = found.side.lineage.get("dataset") or found.side.lineage.get("data_set")
    if name:
        yield f"It knows the customers of the data set {name}, and nobody else's."
    distrusted = int(found.side.lineage.get(BROKEN_MOMENTS, "0"))
    if distrusted:
        yield (
            f"{distrusted:,} moments were left out of it because monitoring had called their data "
            f"broken: {found.side.lineage.get(BROKEN_SPANS, '')}."
        )
    embargoed = found.side.rows.get("embargoed", 0)
    if embargoed:
        yield (f"{embargoed:,} rows whose outcome reached into the test were left out of learning.")


def of_slices(found: Recorded) -> Iterator[str]:
    """Slices that are too small, and those for which it is worse than for all."""
    measured = found.measured
    small = [f"{s.feature} {s.value}" for s in measured.slices if not s.quality.known]
    if small:
        yield f"Too few test rows to tell how good it is for: {listed(small)}."
    whole = measured.metrics.get(measured.by)
    if whole is None or not whole.known:
        return
    worse = [
        f"{s.feature} {s.value} ({s.quality.value:.4f})"
        for s in measured.slices
        if s.quality.known and s.quality.high < whole.value
    ]
    if worse:
        yield (
            f"Its {measured.by} is lower than the {whole.value:.4f} of all for: {listed(worse)}. "
            "Of many slices some are by chance."
        )


def of_classes(found: Recorded) -> Iterator[str]:
    unlearned = found.side.rows.get("unlearned_class", 0)
    if unlearned:
        yield f"{unlearned:,} rows were of classes too rare to learn; it never answers with one."


def listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
