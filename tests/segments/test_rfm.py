"""Scores: fifths of the customers, ties and gaps included."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.feature import Derived, Feature
from lifecycle.home import Home, open_home
from segments import rfm

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def feature(name: str, definition: str = "1") -> Feature:
    return Feature(name=name, type="number", aggregate=Derived(definition), meaning=name)


Values = Sequence[float | None]

RECENCY, FREQUENCY = {"recency": feature("x")}, {"frequency": feature("x")}


@functools.cache
def database() -> duckdb.DuckDBPyConnection:
    """One for all: opening one takes longer than a test."""
    return duckdb.connect(config={"threads": 1})


def fitted(values: Values, scores: dict[str, Feature]) -> rfm.RfmEdges:
    database().register("people", pa.table({"x": pa.array(values, pa.float64())}))
    return rfm.fit(database(), "people", scores, version=1, as_of=NOW)


def scored(values: Values, role: str, edges: rfm.RfmEdges) -> list[float]:
    database().register("people", pa.table({"x": pa.array(values, pa.float64())}))
    sql = rfm.score_sql(role, "x", edges.scores[role].edges)
    return [score for (score,) in database().execute(f"SELECT {sql} FROM people").fetchall()]


def test_each_fifth_has_its_score() -> None:
    """Of a hundred different customers twenty have each score; few days since are good."""
    values = [float(n) for n in range(100)]
    much = scored(values, "frequency", fitted(values, FREQUENCY))
    assert much == [1.0 + n // 20 for n in range(100)]
    assert scored(values, "recency", fitted(values, RECENCY)) == [6 - score for score in much]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 9).map(float)), max_size=40))
def test_scores_keep_the_order_and_treat_equals_alike(values: Values) -> None:
    """Whatever ties: more is never worse, equals are equal, a gap is among the worst."""
    edges = fitted(values, FREQUENCY)
    known = sorted((v, s) for v, s in zip(values, scored(values, "frequency", edges), strict=True)
                   if v is not None)  # fmt: skip
    assert [s for _, s in known] == sorted(s for _, s in known)
    assert len(dict(known)) == len(set(known))
    assert scored([None], "frequency", edges) == [1.0]
    given_scores = {int(s) for s in scored(values, "frequency", edges)}
    assert set(edges.scores["frequency"].given) == given_scores


def test_who_was_never_there_is_among_the_worst() -> None:
    """No last time and no last amount: the lowest score, whatever counts as good."""
    for role in ("recency", "frequency"):
        for values in ([None, 1.0, 2.0], [None]):
            edges = fitted(values, {role: feature("x")})
            assert scored([None], role, edges) == [1.0]


def test_few_different_values_are_told() -> None:
    """Scores that nobody can have, and a fit on a handful, come with a note."""
    few = fitted([0.0] * 70 + [1.0] * 50, FREQUENCY)
    assert few.notes() == ("x has 2 different values: scores given are 1, 3",)
    assert fitted([1.0, 2.0], FREQUENCY).notes()[0] == (
        "edges come from 2 customers only; fit again with --refit later"
    )
    assert fitted([float(n) for n in range(100)], FREQUENCY).notes() == ()


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return open_home(tmp_path_factory.mktemp("home"))


def test_a_fit_is_kept_as_it_was(home: Home) -> None:
    """What is read back is what was fitted; every version stays."""
    assert (rfm.newest(home, FREQUENCY), rfm.next_version(home)) == (None, 1)
    edges = fitted([0.1 * n for n in range(10)], FREQUENCY)
    rfm.write(home, edges)
    assert rfm.newest(home, FREQUENCY) == edges
    assert rfm.next_version(home) == 2


def test_edges_of_another_feature_do_not_hold(home: Home) -> None:
    """A feature that means something else today needs edges of its own."""
    rfm.write(home, fitted([1.0, 2.0], FREQUENCY))
    assert rfm.newest(home, {"frequency": feature("x", "2")}) is None
    assert rfm.newest(home, {**FREQUENCY, "monetary": feature("y")}) is None
