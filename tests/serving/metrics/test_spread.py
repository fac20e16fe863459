"""serving.metrics.spread: many values at once, each in its bucket."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from serving.metrics.spread import Spread
from tests.serving.metrics.reading import read

BOUNDS = (0.1, 0.5, 1.0)
VALUES = st.lists(
    st.one_of(st.sampled_from(BOUNDS), st.floats(min_value=0, max_value=2)), max_size=30
)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_each_value_is_in_its_bucket_and_all_above(batches: list[list[float]]) -> None:
    """By the definition of Prometheus: at most the bound; however the values come in batches."""
    registry = CollectorRegistry()
    spread = Spread("age", "Age.", ("task",), BOUNDS)
    registry.register(spread)
    for batch in batches:
        spread.add(("churn",), batch)
    found = read(generate_latest(registry).decode())
    values = [value for batch in batches for value in batch]
    for bound in (*BOUNDS, math.inf):
        le = "+Inf" if bound == math.inf else str(bound)
        wanted = sum(value <= bound for value in values)
        assert found.value("age_bucket", task="churn", le=le) == wanted
    assert found.value("age_count", task="churn") == len(values)
    assert found.value("age_sum", task="churn") == pytest.approx(sum(values))


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
