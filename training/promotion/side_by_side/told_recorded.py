"""What was recorded of each version, as sections: own test, data, features, choices, verdict."""

from __future__ import annotations

from collections.abc import Iterator

from training.promotion.side_by_side.values import Comparison, Side
from training.promotion.side_by_side.words import day, named, way
from training.report.section import Cell, Section, Table


def own_section(found: Comparison) -> Section:
    """What each version's own test said, and whether that can be compared."""
    tests = [f"{one.number} on {test_of(one)}" for one in (found.first, found.second)]
    words = (
        f"Both were tested on the very same rows and labels: {tests[0]}."
        if found.same_test_rows
        else f"Recorded when each was trained: {'; '.join(tests)}. These are not the same rows: "
        "the numbers are of two exams and must not be held against each other."
    )
    names = list(dict.fromkeys([*found.first.metrics, *found.second.metrics]))
    rows: list[tuple[Cell, ...]] = [
        (name, way(name), found.first.metrics.get(name), found.second.metrics.get(name))
        for name in names
    ]
    columns = (
        "metric", "better is", f"{found.first.number} on its test",
        f"{found.second.number} on its test",
    )  # fmt: skip
    return Section(
        name="own",
        title="Each on its own test",
        words=words,
        tables={"recorded test metrics": Table(columns=columns, rows=rows)},
    )


def test_of(side: Side) -> str:
    """`1,234 rows from 2025-01-01 to 2025-02-01`."""
    rows = f"{side.rows['test']:,} rows" if "test" in side.rows else "rows"
    if side.test_from:
        return f"{rows} from {side.test_from} to {side.test_until}"
    return f"{rows} of customers from {day(side.test_signed_up_from)} on"


def data_section(found: Comparison) -> Section:
    """What each learned from."""
    both = (found.first, found.second)
    told = [dict(windows(one)) for one in both]
    rows: list[tuple[Cell, ...]] = [
        (name, *(one.get(name) for one in told)) for name in dict.fromkeys([*told[0], *told[1]])
    ]
    columns = ("what", *(str(one.number) for one in both))
    same = "same" if both[0].data_fingerprint == both[1].data_fingerprint else "different"
    return Section(
        name="data",
        title="Data windows",
        words=f"What each was trained, calibrated and tested on: {same} training sets.",
        tables={"windows": Table(columns=columns, rows=rows)},
    )


def windows(side: Side) -> Iterator[tuple[str, Cell]]:
    """What is said of a version's data, by name."""
    yield "as of", day(side.as_of)
    yield "labels known until", day(side.labels_known_until)
    yield "test customers from", day(side.test_signed_up_from)
    yield "first test moment", side.test_from or None
    yield "last test moment", side.test_until or None
    for part, rows in side.rows.items():
        if rows:
            yield f"rows {part.replace('_', ' ')}", f"{rows:,}"
    for name, value in side.lineage.items():
        yield name.replace("_", " "), value
    yield "data fingerprint", side.data_fingerprint or None


def features_section(found: Comparison) -> Section:
    """Which features came, went or are another."""
    changes, numbers = found.features, (found.first.number, found.second.number)
    listed = {
        f"only in {numbers[1]}": changes.added,
        f"only in {numbers[0]}": changes.removed,
        "other type": changes.retyped,
        "defined otherwise": changes.redefined,
        "other categories": tuple(f"{k}: {v}" for k, v in changes.categories.items()),
    }
    rows: list[tuple[Cell, ...]] = [(what, one) for what, names in listed.items() for one in names]
    words = f"{changes.same:,} features are the same in both."
    if not rows:
        words += " None was added, removed or defined otherwise."
    for number in changes.unknown:
        words += f" Version {number} kept no definitions: one that changed is not noticed."
    tables = {"changes": Table(columns=("change", "feature"), rows=rows)} if rows else {}
    return Section(name="features", title="Features", words=words, tables=tables)


def choices_section(found: Comparison) -> Section:
    """Algorithm, balancing, calibrator, parameters, code: what is not the same."""
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.first or None, one.second or None) for one in found.choices
    ]
    columns = ("choice", str(found.first.number), str(found.second.number))
    words = f"{len(rows):,} of {len(rows) + found.same_choices:,} recorded choices differ."
    tables = {"differing": Table(columns=columns, rows=rows)} if rows else {}
    return Section(name="choices", title="Choices", words=words, tables=tables)


def verdicts_section(found: Comparison) -> Section:
    """What the gate said of each, and what its training warned of."""
    lines = [line for one in (found.first, found.second) for line in verdict_lines(one)]
    return Section(name="verdicts", title="Verdicts", words="\n".join(lines))


def verdict_lines(side: Side) -> Iterator[str]:
    verdict = side.verdict
    against = f" against version {verdict.against}" if verdict.against.isdigit() else ""
    by = f" by {verdict.by}" if verdict.by else ""
    at = f", {day(verdict.at)}{by}" if verdict.at else ""
    why = f": {verdict.why}" if verdict.why else "."
    yield f"Version {named(side)}: {verdict.decision}{against}{at}{why}"
    if side.warnings:
        yield f"Version {side.number}'s training warned: {side.warnings}"
