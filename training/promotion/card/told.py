"""A card's sections, from what was recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from training.balancing.verdict import TITLES
from training.promotion.card.limits import limits_section
from training.promotion.card.values import Interval, Recorded
from training.promotion.side_by_side.pictures import calibration_figure
from training.promotion.side_by_side.told_recorded import test_of, windows
from training.promotion.side_by_side.words import day, way
from training.report.section import Cell, Section, Table

METHODS = {**TITLES, "none": "no balancing"}
BASELINE = "logistic_regression"


def sections(found: Recorded) -> tuple[Section, ...]:
    """In the order in which they are read."""
    return (
        use_section(found),
        verdict_section(found),
        quality_section(found),
        slices_section(found),
        calibration_section(found),
        data_section(found),
        balancing_section(found),
        features_section(found),
        limits_section(found),
    )


def use_section(found: Recorded) -> Section:
    """Who is asked what, when, and what the answer is good for."""
    facts = found.facts
    days = ", ".join(str(one) for one in facts["moments"])
    answer = (
        f"The answer is a probability, and yes from {float(facts['threshold']):.2f} on "
        f"({facts.get('threshold_rule', 'as it was trained')})."
        if found.binary
        else f"The answer is the likeliest of {', '.join(facts['classes'])}, with every "
        "probability."
    )
    return Section(
        name="use",
        title="Intended use",
        words=f"{found.question}\n"
        f"It is asked of a new customer {days} days after sign-up and looks "
        f"{facts['horizon_days']} days ahead. {answer}\n"
        + (f"{found.money}\n" if found.money else "")
        + "It is made to choose what a customer is shown or offered. It is not made to refuse "
        "anybody anything.",
    )


def verdict_section(found: Recorded) -> Section:
    """What the gate said, finding by finding."""
    rows: list[tuple[Cell, ...]] = list(found.findings)
    return Section(
        name="verdict",
        title="Verdict",
        words=verdict_words(found),
        tables={"findings": Table(columns=("outcome", "finding"), rows=rows)} if rows else {},
    )


def verdict_words(found: Recorded) -> str:
    """The decision, when, by whom, against what and why."""
    verdict = found.side.verdict
    if not verdict.at:
        return "Nobody has judged this version yet."
    against = f" against version {verdict.against}" if verdict.against.isdigit() else ""
    by = f" by {verdict.by}" if verdict.by else ""
    why = f": {verdict.why}" if verdict.why else "."
    return f"{verdict.decision.capitalize()}{against}, {day(verdict.at)}{by}{why}"


def quality_section(found: Recorded) -> Section:
    """Metrics on the whole test, their intervals on the rows that the version carries."""
    own, other = found.side.metrics, found.baselines.get(BASELINE, {})
    rows: list[tuple[Cell, ...]] = [
        (name, way(name), own.get(name), *ends(found.measured.metrics.get(name)), other.get(name))
        for name in own
    ]
    columns = ("metric", "better is", "this model", "from", "to", BASELINE.replace("_", " "))
    return Section(
        name="quality",
        title="Quality",
        words=f"Measured on {test_of(found.side)}, of customers whom it never saw. {basis(found)}",
        tables={"metrics": Table(columns=columns, rows=rows)},
    )


def basis(found: Recorded) -> str:
    """What the intervals rest on."""
    measured = found.measured
    if not measured.rows:
        return "It carries no labelled test rows, so no interval is told."
    all_of = found.side.rows.get("test") == measured.rows
    rows = f"all {measured.rows:,}" if all_of else f"a sample of {measured.rows:,}"
    return (
        f"From and to are the 95 % interval on {rows} of these rows, by drawing their "
        f"{measured.customers:,} customers and not their rows."
    )


def ends(interval: Interval | None) -> tuple[Cell, Cell]:
    """Low and high; two dashes where they are not known."""
    known = interval is not None and interval.known
    return (interval.low, interval.high) if interval is not None and known else (None, None)


def slices_section(found: Recorded) -> Section:
    """How good it is for whom."""
    measured = found.measured
    rows: list[tuple[Cell, ...]] = [
        (
            one.feature, one.value, one.rows, one.said, one.happened,
            one.quality.value if one.quality.known else None, *ends(one.quality),
        )
        for one in measured.slices
    ]  # fmt: skip
    columns = ("feature", "value", "rows", "said", "happened", measured.by, "from", "to")
    what = "the yes" if found.binary else "its own answer"
    words = (
        f"The same rows by value of a category. Said is the mean probability of {what}, happened "
        f"how often it came true. A dash: too few rows to tell its {measured.by}."
        if rows
        else "It looks at no category that tells its test rows apart."
    )
    tables = {"quality by value": Table(columns=columns, rows=rows)} if rows else {}
    return Section(name="slices", title="Slices", words=words, tables=tables)


def calibration_section(found: Recorded) -> Section:
    """Whether what it says happens as often as it says."""
    facts, curve = found.facts, found.measured.curve
    made = (
        f"Its probabilities were calibrated by {facts['calibrator']['method']} on "
        f"{facts.get('calibrated_on', 'rows it was not fitted on')}."
    )
    if curve is None:
        return Section(name="calibration", title="Calibration", words=made)
    rows: list[tuple[Cell, ...]] = [
        (one.rows, one.said, one.happened, one.low, one.high) for one in curve.bins
    ]
    columns = ("rows", "said", "happened", "from", "to")
    return Section(
        name="calibration",
        title="Calibration",
        words=f"{made} What it says is off by {curve.ece:.4f} on average (ece), over ten bins of "
        f"equally many rows; from and to are the 95 % interval of what happened.",
        tables={"bins": Table(columns=columns, rows=rows)},
        figures=(("calibration", calibration_figure([curve])),),
    )


def data_section(found: Recorded) -> Section:
    """What it learned from, and when."""
    rows: list[tuple[Cell, ...]] = list(windows(found.side))
    return Section(
        name="data",
        title="Data window",
        words=f"It knows what was received by {day(found.side.as_of)}, and outcomes until "
        f"{day(found.side.labels_known_until)}. Test customers signed up later than all it "
        "learned from.",
        tables={"windows": Table(columns=("what", "value"), rows=rows)},
    )


def balancing_section(found: Recorded) -> Section:
    """What was done about the rare class, and whether it helped."""
    chosen, parameters = found.facts["balancing"], found.parameters
    settings = ", ".join(
        f"{name.replace('_', ' ')} {value:g}" for name, value in sorted(chosen.items())
        if isinstance(value, int | float) and chosen["method"].startswith(("smote", "border"))
    )  # fmt: skip
    said = [
        f"The search chose {METHODS.get(chosen['method'], chosen['method'])}"
        + (f" ({settings})." if settings else "."),
        note(parameters.get("balancing_note", "")),
        made_up(parameters.get("synthetic_rows", "")),
        found.balancing,
    ]
    return Section(
        name="balancing", title="Balancing", words="\n".join(text for text in said if text)
    )


def note(text: str) -> str:
    return "" if text in {"", "None"} else text


def made_up(rows: str) -> str:
    return f"{int(rows):,} rows were made up for it." if rows.isdigit() and int(rows) else ""


def features_section(found: Recorded) -> Section:
    """Each feature in words, the one that moves the answers most first."""
    rows = sorted(feature_rows(found), key=lambda row: -float(row[3] or 0.0))
    told = (
        "Share is that of all contributions to the answers (TreeSHAP), as its training measured it."
        if found.shares
        else "How much each moves the answers was not measured."
    )
    columns = ("feature", "type", "meaning", "share", "effect", "when missing")
    return Section(
        name="features",
        title="Features",
        words=f"It looks at {len(rows)} features, all known at the moment it is asked. {told}",
        tables={"features": Table(columns=columns, rows=rows)},
    )


def feature_rows(found: Recorded) -> Iterator[tuple[Cell, ...]]:
    meanings = found.facts.get("meanings", {})
    for name, kind in found.facts["features"]:
        told, moved = meanings.get(name, {}), found.shares.get(name)
        share = (moved.share if moved else 0.0) if found.shares else None
        unit = f" ({told['unit']})" if told.get("unit") else ""
        yield (
            name, kind, f"{told['words']}{unit}" if told else None, share,
            (moved.effect or None) if moved else None, told.get("absent"),
        )  # fmt: skip
