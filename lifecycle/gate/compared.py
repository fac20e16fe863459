"""Judges the challenger against the champion: by intervals over all rows, by tests on slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lifecycle.gate.evidence import Difference, Evidence, SliceDifference
from lifecycle.gate.figures import finite, holm, interval
from lifecycle.gate.rules import Better, NotWorse, NotWorseOnSlices
from lifecycle.gate.verdict import Finding

MOST_NAMED = 5


def not_worse(rule: NotWorse, differences: Mapping[str, Difference]) -> Finding:
    """The whole interval of challenger minus champion lies above what may be lost."""
    return by_interval(
        rule,
        differences,
        name=f"{rule.metric} not worse by {rule.margin:g}",
        threshold=rule.margin,
        passes=lambda least_gain: least_gain >= -rule.margin,
        asked=f"a loss of {rule.margin:g} is allowed",
    )


def better(rule: Better, differences: Mapping[str, Difference]) -> Finding:
    """The whole interval of challenger minus champion lies above what must be won."""
    return by_interval(
        rule,
        differences,
        name=f"{rule.metric} better by more than {rule.by:g}",
        threshold=rule.by,
        passes=lambda least_gain: least_gain > rule.by,
        asked=f"a sure gain of more than {rule.by:g} is asked",
    )


def by_interval(  # what tells the two rules apart, each by name
    rule: NotWorse | Better,
    differences: Mapping[str, Difference],
    *,
    name: str,
    threshold: float,
    passes: Callable[[float], bool],
    asked: str,
) -> Finding:
    """Judge the metric's paired difference by the end of its interval that speaks against it."""
    found = differences.get(rule.metric)
    known = interval(found, higher_is_better=rule.higher_is_better)
    if found is None or known is None:
        return untold(name, threshold, rule.metric)
    return Finding(
        rule=name,
        outcome="passed" if passes(known.least_gain) else "failed",
        value=known.value,
        low=known.low,
        high=known.high,
        threshold=threshold,
        words=f"{told(rule.metric, found)}; {asked}.",
    )


def untold(name: str, threshold: float, metric: str) -> Finding:
    return Finding(
        rule=name,
        outcome="could not tell",
        threshold=threshold,
        words=f"{metric} was not compared with the champion's.",
    )


def told(metric: str, found: Difference) -> str:
    """A difference in words, without the full stop."""
    return (
        f"{metric} differs from the champion's by {found.value:+.4f} "
        f"({found.confidence:.0%} interval {found.low:+.4f} to {found.high:+.4f}, {found.method})"
    )


def not_worse_on_slices(rule: NotWorseOnSlices, evidence: Evidence) -> Finding:
    """No slice that is large enough has a loss beyond the margin, significant over all of them."""
    name = f"{rule.metric} not worse by {rule.margin:g} on slices"
    if evidence.sliced_by is None:
        return untold(name, rule.margin, f"{rule.metric} by slices")
    by = [feature for feature in rule.by if feature in evidence.sliced_by]
    mine = [one for one in evidence.slices if asked(rule, one)]
    if absent := [feature for feature in by if all(one.feature != feature for one in mine)]:
        return untold(name, rule.margin, f"{rule.metric} by {', '.join(absent)}")
    tested = [one for one in mine if large(rule, one)]
    small = [one for one in mine if not large(rule, one)]
    if not tested:
        why = "no slice is large enough" if by else f"the rows have no {' or '.join(rule.by)}"
        words = f"{rule.metric} was tested on no slice: {why}.{too_small(small)}"
        return Finding(rule=name, outcome="passed", threshold=rule.margin, words=words)
    return on_tested(rule, name, tested, small)


def on_tested(
    rule: NotWorseOnSlices,
    name: str,
    tested: Sequence[SliceDifference],
    small: Sequence[SliceDifference],
) -> Finding:
    """Judge the slices that are large enough, all together."""
    p_values = [p for one in tested if (p := probability(one)) is not None]
    if len(p_values) < len(tested):
        unknown = [one.name for one in tested if probability(one) is None]
        return untold(name, rule.margin, f"{rule.metric} on {some(unknown)}")
    adjusted = holm(p_values)
    worse = [(p, one) for p, one in zip(adjusted, tested, strict=True) if p <= rule.level]
    p, worst = min(zip(adjusted, tested, strict=True), key=lambda both: both[0])
    found = worst.difference
    counted = f"{len(tested)} slices of {', '.join(dict.fromkeys(s.feature for s in tested))}"
    said = some([spoken(rule, p, one) for p, one in worse])
    outcome = (
        f"on {len(worse)} of {counted} a loss of more than {rule.margin:g} is sure: {said}"
        if worse
        else f"on none of {counted} a loss of more than {rule.margin:g} is sure; "
        f"the likeliest is {spoken(rule, p, worst)}"
    )
    return Finding(
        rule=name,
        outcome="failed" if worse else "passed",
        value=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        threshold=rule.margin,
        words=f"{rule.metric}: {outcome}.{too_small(small)}",
    )


def asked(rule: NotWorseOnSlices, one: SliceDifference) -> bool:
    """Whether the slice was measured for this rule."""
    return (one.metric, one.margin) == (rule.metric, rule.margin) and one.feature in rule.by


def large(rule: NotWorseOnSlices, one: SliceDifference) -> bool:
    """Whether it is to be tested. One whose size nobody knows is, and then cannot be told."""
    rows, positives = finite(one.rows), finite(one.positives)
    if rows is None or positives is None:
        return True
    return rows >= rule.least_rows and positives >= rule.least_positives


def probability(one: SliceDifference) -> float | None:
    """The slice's p-value, if it is one and belongs to a difference that was measured."""
    p = finite(one.p_value)
    if p is None or not 0 <= p <= 1 or interval(one.difference, higher_is_better=True) is None:
        return None
    return p


def spoken(rule: NotWorseOnSlices, p: float, one: SliceDifference) -> str:
    """`country=AT -0.0412 (-0.0700 to -0.0124; 412 rows, p = 0.003 of all slices together)`."""
    found = one.difference
    gap = f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}; " if found else "("
    return f"{one.name} {gap}{one.rows} rows, p = {p:.2g} by Holm, {rule.level:g} is asked)"


def too_small(slices: Sequence[SliceDifference]) -> str:
    """Which slices nobody tested, as a sentence of its own; empty when all were."""
    if not slices:
        return ""
    largest = sorted(slices, key=lambda one: -one.rows)
    return f" Too small to test: {some([f'{one.name} ({one.rows} rows)' for one in largest])}."


def some(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
