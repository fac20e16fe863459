"""Splits go forward in time, share no customer, and train on no label of the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import DataError
from training.splits import LEAST_ROWS, folds, split

START = datetime(2025, 1, 1, tzinfo=UTC)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Customers with one to five moments, sign-ups that tie, labels of either class."""
    seed, customers = draw(st.integers(0, 10_000)), draw(st.integers(150, 400))
    span, horizon = draw(st.integers(30, 200)), draw(st.integers(1, 14))
    rng = np.random.default_rng(seed)
    days = rng.integers(0, span, customers)  # whole days: many ties
    rows = [
        (f"c{i}", START + timedelta(days=int(day)), START + timedelta(days=int(day + after)))
        for i, day in enumerate(days)
        for after in (1, 3, 7, 14, 30)[: rng.integers(1, 6)]
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "signed_up_at", "event_timestamp"])
    frame["label_end"] = frame["event_timestamp"] + timedelta(days=horizon)
    frame["label"] = rng.random(len(frame)) < 0.4
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@given(tables())
@settings(deadline=None, max_examples=40)
def test_parts_go_forward_and_share_nobody(frame: pd.DataFrame) -> None:
    """By sign-up train < calibrate < test: disjoint customers, nobody's label from the future."""
    try:
        found = split(frame)
    except DataError:
        return
    parts = [frame.iloc[p] for p in (found.train, found.calibrate, found.test)]
    for earlier, later in ((0, 1), (1, 2), (0, 2)):
        assert parts[earlier]["signed_up_at"].max() < parts[later]["signed_up_at"].min()
        assert not set(parts[earlier]["customer_id"]) & set(parts[later]["customer_id"])
    for known in parts[:2]:
        assert (known["label_end"] <= parts[2]["event_timestamp"].min()).all()
    assert sum(map(len, parts)) + found.embargoed == len(frame)
    assert min(map(len, parts)) >= LEAST_ROWS


@given(tables())
@settings(deadline=None, max_examples=20)
def test_the_order_of_rows_does_not_matter(frame: pd.DataFrame) -> None:
    """A shuffled table has the same parts."""
    shuffled = frame.sample(frac=1, random_state=7)
    try:
        one, two = split(frame), split(shuffled)
    except DataError:
        return
    assert set(frame.index[one.test]) == set(shuffled.index[two.test])
    assert set(frame.index[one.train]) == set(shuffled.index[two.train])


@given(tables(), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_folds_expand_forward_and_share_nobody(frame: pd.DataFrame, count: int) -> None:
    """Each fold fits on everybody who signed up before its window, and on nobody inside it."""
    before = 0
    for fit, validate in folds(frame, count):
        fitting, validating = frame.iloc[fit], frame.iloc[validate]
        assert fitting["signed_up_at"].max() < validating["signed_up_at"].min()
        assert not set(fitting["customer_id"]) & set(validating["customer_id"])
        assert len(fit) > before
        before = len(fit)


def table(customers: int, label: object = None) -> pd.DataFrame:
    signed_up = [START + timedelta(days=i / 4) for i in range(customers)]
    moment = [time + timedelta(days=1) for time in signed_up]
    return pd.DataFrame(
        {
            "customer_id": [str(i) for i in range(customers)],
            "signed_up_at": signed_up,
            "event_timestamp": moment,
            "label_end": [time + timedelta(days=7) for time in moment],
            "label": [i % 3 == 0 if label is None else label for i in range(customers)],
        }
    )


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (table(20), r"Too little data: the train part has \d+ rows.*20 labelled rows of 20 cust"),
        (table(0), "nothing to train on.*whole horizon"),
        (table(600, label=True), "Only one class in the train part.*True.*vocabulary"),
        (table(600).assign(signed_up_at=START), "Too little data"),
    ],
)
def test_too_little_says_what_was_found(frame: pd.DataFrame, words: str) -> None:
    """The error names the part, what was found and what to do."""
    with pytest.raises(DataError, match=words):
        split(frame)


def test_no_usable_fold_says_so() -> None:
    """One class in every window is an error and not an empty search."""
    with pytest.raises(DataError, match="cannot be cut into forward folds"):
        folds(table(600, label=True), 3)
