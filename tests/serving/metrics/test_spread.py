"""serving.metrics.spread: many values at once, counted as Prometheus' own histogram counts them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from serving.metrics.spread import Spread
from tests.serving.metrics.reading import read

BOUNDS = (0.1, 0.5, 1.0)
VALUES = st.lists(
    st.one_of(st.sampled_from(BOUNDS), st.floats(min_value=0, max_value=2)), max_size=30
)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_it_counts_as_prometheus_does(batches: list[list[float]]) -> None:
    """Bucket by bucket, bounds included, however the values are cut into batches."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("age", "Age.", ("task",), BOUNDS)
    ours.register(spread)
    known = Histogram("age", "Age.", ("task",), buckets=BOUNDS, registry=theirs).labels("churn")
    for batch in batches:
        spread.add(("churn",), batch)
        for value in batch:
            known.observe(value)
    found, wanted = (read(generate_latest(one).decode()).samples for one in (ours, theirs))
    wanted = {key: value for key, value in wanted.items() if key[0] != "age_created"}
    assert found.keys() == wanted.keys()
    assert all(math.isclose(found[key], wanted[key], abs_tol=1e-9) for key in wanted)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_left_out(value: float) -> None:
    """One broken score does not make the sum NaN for ever."""
    registry = CollectorRegistry()
    spread = Spread("score", "Score.", ("task",), BOUNDS)
    registry.register(spread)
    spread.add(("churn",), [value, 0.5])
    found = read(generate_latest(registry).decode())
    assert found.value("score_count", task="churn") == 1
    assert found.value("score_sum", task="churn") == 0.5


def test_old_labels_make_room() -> None:
    """A process that outlives a hundred versions shows the newest, not all of them."""
    registry = CollectorRegistry()
    spread = Spread("score", "Score.", ("version",), BOUNDS, most=3)
    registry.register(spread)
    for version in (1, 2, 3, 1, 4):
        spread.add((str(version),), [0.2])
    found = read(generate_latest(registry).decode())
    assert found.value("score_count", version="1") == 2
    assert {dict(labels)["version"] for _, labels in found.samples} == {"1", "3", "4"}
