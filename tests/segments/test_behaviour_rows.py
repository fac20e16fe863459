"""Each customer enters once, newest first, and outliers and gaps are held."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from lifecycle.errors import NotReady
from segments.behaviour_choice import choose
from segments.behaviour_model import on_scale, raw_matrix, to_space
from segments.behaviour_rows import LEAST_CUSTOMERS, behaviour_table, fit_columns, snapshot
from tests.features.canonical import AS_OF, settle
from tests.segments.planted import LATER, home_of, names_of, noise, write

SOME = LEAST_CUSTOMERS + 20


def test_the_newest_row_of_each_customer(tmp_path: Path) -> None:
    """A later row replaces an earlier one, but not where it lies after the time asked for."""
    home = home_of(tmp_path / "home", {"sessions_7d": np.full(SOME, 1.0)})
    write(home, {"sessions_7d": np.full(50, 2.0)}, moment=LATER, part="later")
    now = snapshot(home, LATER).rows
    assert now["customer_id"].to_pylist() == names_of(SOME)
    assert now["sessions_7d"].to_pylist() == [2.0] * 50 + [1.0] * (SOME - 50)
    before = snapshot(home, LATER - timedelta(microseconds=1)).rows
    assert set(before["sessions_7d"].to_pylist()) == {1.0}


def test_a_sample_keeps_its_customers(tmp_path: Path) -> None:
    """Who is in a small sample is in a larger one, and all customers are counted."""
    home = home_of(tmp_path / "home", noise(SOME))
    few, more = snapshot(home, AS_OF, most=20), snapshot(home, AS_OF, most=60)
    assert (few.rows.num_rows, more.rows.num_rows, few.customers) == (20, 60, SOME)
    assert set(few.rows["customer_id"].to_pylist()) < set(more.rows["customer_id"].to_pylist())


@pytest.mark.parametrize("customers", [0, LEAST_CUSTOMERS - 1])
def test_too_few_customers(tmp_path: Path, customers: int) -> None:
    """Below a hundred nothing is looked for, and the error counts them."""
    home = settle(tmp_path / "home")
    if customers:
        write(home, noise(customers))
    with pytest.raises(NotReady, match=rf"too few customers .* {customers} have a built row"):
        snapshot(home, AS_OF)


def columns_of(tmp_path: Path, values: dict[str, np.ndarray]):
    home = home_of(tmp_path / "home", values)
    rows = snapshot(home, AS_OF).rows
    chosen = choose(behaviour_table(home).features)
    columns = fit_columns(raw_matrix(rows, tuple(one.feature.name for one in chosen)), chosen)
    return columns, raw_matrix(rows, tuple(column.feature for column in columns))


def test_what_is_the_same_of_all_stays_out(tmp_path: Path) -> None:
    """Features that are 0 for everybody tell nobody apart; the side's others share its weight."""
    both = noise(SOME, seed=1)
    columns, _ = columns_of(tmp_path, {n: both[n] for n in ("sessions_7d", "active_days_7d",
                                                           "value_sum_30d")})  # fmt: skip
    weights = {column.feature: column.weight for column in columns}
    assert weights == pytest.approx(
        {"active_days_7d": 0.5**0.5, "sessions_7d": 0.5**0.5, "value_sum_30d": 1.0}
    )


def test_the_space_is_standardised_and_held(tmp_path: Path) -> None:
    """Mean 0, variance 1, and one absurd customer moves neither far."""
    values = noise(SOME, seed=2)
    values["value_sum_30d"][0] = 1e15
    columns, raw = columns_of(tmp_path, values)
    x = to_space(raw, columns)
    weight = np.array([column.weight for column in columns])
    assert x.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert (x / weight).std(axis=0) == pytest.approx(1)
    assert np.abs(x).max() < 5


def test_gaps_say_what_the_choice_says(tmp_path: Path) -> None:
    """No activity ever is the longest absence; no session has no length; no taste is the median."""
    values = noise(SOME, seed=3)
    gap = ["days_since_last_activity", "session_minutes_mean_30d", "share_video_30d"]
    for name in gap:
        values[name][:10] = np.nan
    columns, raw = columns_of(tmp_path, values)
    scale = on_scale(raw, columns)
    at = {column.feature: scale[:, n] for n, column in enumerate(columns)}
    recency, minutes, share = (at[name] for name in gap)
    assert set(recency[:10]) == {recency.max()}
    assert set(minutes[:10]) == {minutes.min()}
    assert set(share[:10]) == {np.median(share[10:])}
