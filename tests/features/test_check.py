from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from features.check import check
from features.tables import Table, tables
from lifecycle.errors import DataError
from lifecycle.home import Home
from tests.features.canonical import START


@pytest.fixture
def profile(home: Home) -> Table:
    return tables(home, home.dataset())[1]


def rows(table: Table, count: int, **columns: list[object]) -> pa.Table:
    """Rows that are right, but for the columns given."""
    plain: dict[str, list[object]] = {name: [None] * count for name in table.schema.names}
    plain |= {"customer_id": [f"c{n}" for n in range(count)]}
    plain |= {"event_timestamp": [START] * count, "created_at": [START] * count}
    return pa.table(plain | columns, schema=table.schema)


def test_rows_within_bounds_are_kept(profile: Table) -> None:
    """Missing values and values on the bound are right."""
    found = check(rows(profile, 3, profile_age=[None, 0.0, 120.0]), profile)
    assert (found.kept.num_rows, found.rejected.num_rows) == (3, 0)


def test_a_row_names_every_bound_that_it_breaks(profile: Table) -> None:
    """One row may break several; kept and rejected together are all."""
    bad = rows(profile, 3, profile_age=[1.0, -1.0, float("inf")], profile_newsletter=[1.0, 7.0, 0])
    found = check(bad, profile)
    assert found.kept["customer_id"].to_pylist() == ["c0"]
    assert found.rejected["reason"].to_pylist() == [
        "profile_age below 0; profile_newsletter above 1; ",
        "profile_age is not finite; profile_age above 120; ",
    ]


def test_what_is_no_number_is_named_once(profile: Table) -> None:
    """NaN is not finite; that polars takes it for the largest number is not said of it."""
    found = check(rows(profile, 2, profile_age=[float("nan"), 121.0]), profile)
    assert found.rejected["reason"].to_pylist() == [
        "profile_age is not finite; ",
        "profile_age above 120; ",
    ]


def test_sound_rows_are_not_copied(profile: Table) -> None:
    """What is right is handed back as it is: a check costs no second table."""
    given = rows(profile, 3)
    assert check(given, profile).kept is given


def test_mostly_bad_rows_stop_the_build(profile: Table) -> None:
    """More than half wrong is a wrong definition or source, not bad rows."""
    with pytest.raises(DataError, match=r"Most rows of customer_profile break.*15 of 20, first"):
        check(rows(profile, 20, profile_age=[-1.0] * 15 + [1.0] * 5), profile)


def test_a_doubled_moment_stops_the_build(profile: Table) -> None:
    """Two rows for one (customer, moment) would make the join ambiguous."""
    with pytest.raises(DataError, match=r"holds a moment twice.*2 rows, 1 different"):
        check(rows(profile, 2, customer_id=["a", "a"]), profile)


def test_wrong_types_stop_the_build(profile: Table) -> None:
    """A column of another type, missing or added is named."""
    wrong = rows(profile, 1).drop_columns(["profile_age"]).append_column("age", pa.array([1]))
    with pytest.raises(DataError, match=r"Missing: profile_age double. Not expected: age int64"):
        check(wrong, profile)


def test_home_is_not_touched_by_a_check(profile: Table, tmp_path: Path) -> None:
    """A check only reads."""
    check(rows(profile, 1), profile)
    assert not (tmp_path / "home" / "features").exists()
