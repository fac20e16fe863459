"""Broken data is told from changed customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lifecycle.profiling import Bounds
from monitoring.quality import volume
from tests.monitoring.counted import columns_broken

ROWS = 1_000
FREE = {name: Bounds() for name in ("amount", "visits", "hours", "plan")}


def customers(seed: int, rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hours = rng.exponential(5.0, size=rows)
    return pd.DataFrame(
        {
            "amount": np.where(rng.uniform(size=rows) < 0.6, 0.0, rng.lognormal(3, 1, rows)),
            "visits": rng.poisson(2.0, rows).astype(float),
            "hours": np.where(rng.uniform(size=rows) < 0.4, np.nan, hours),
            "plan": rng.choice(["free", "basic", "pro"], rows),
        }
    )


def checks(current: pd.DataFrame, bounds: dict[str, Bounds] = FREE) -> list[tuple[str, str]]:
    return [
        (breach.check, breach.column) for breach in columns_broken(customers(1), current, bounds)
    ]


def test_nothing_is_broken_without_cause() -> None:
    """100 undrifted windows break nothing."""
    assert all(checks(customers(seed)) == [] for seed in range(2, 102))


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_other_customers_are_not_broken_data(shift: float) -> None:
    """Twice the visits, other plans and more missing hours are drift, which is no breach."""
    current = customers(2)
    current["visits"] = np.round(current["visits"] * (1 + shift))
    current["plan"] = np.where(np.arange(ROWS) % 3 == 0, current["plan"], "pro")
    current.loc[np.arange(ROWS) % 4 == 0, "hours"] = np.nan
    assert checks(current) == []


def test_all_missing() -> None:
    """A column that goes missing throughout is broken, and the words say since when it was not."""
    current = customers(2).assign(visits=np.nan)
    found = columns_broken(customers(1), current, FREE)
    assert [breach.words for breach in found] == [
        "visits is missing in 100% of rows; it was in 0% of the reference"
    ]


def test_a_column_no_longer_logged() -> None:
    """A column that is not in the log at all is broken."""
    assert checks(customers(2).drop(columns="visits")) == [("missing", "visits")]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_partly_missing_column_that_was_always_there(share: float) -> None:
    """A column that was always there may not go missing in a fifth of the rows."""
    current = customers(2)
    current.loc[np.arange(ROWS) < share * ROWS, "visits"] = np.nan
    assert checks(current) == [("missing", "visits")]


def test_sometimes_missing_column_that_dies() -> None:
    """A column missing in 40 % breaks when it is missing in all."""
    assert checks(customers(2).assign(hours=np.nan)) == [("missing", "hours")]


def test_events_that_stop_arriving() -> None:
    """Counts that are all zero because their events no longer arrive are broken."""
    assert checks(customers(2).assign(visits=0.0)) == [("one value", "visits")]


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_another_unit(factor: float) -> None:
    """Amounts a hundred times too large or too small are another unit, zeros or not."""
    current = customers(2)
    current["amount"] *= factor
    assert checks(current) == [("unit", "amount")]


def test_a_few_values_in_another_unit() -> None:
    """A pipe that breaks half-way through the window shows by values beyond anything seen."""
    current = customers(2)
    current.loc[np.arange(ROWS) % 5 == 0, "visits"] *= 1_000
    assert checks(current) == [("unit", "visits")]


def test_outside_the_definition() -> None:
    """Values that the feature's definition rules out are broken."""
    current = customers(2)
    current.loc[np.arange(ROWS) % 20 == 0, "visits"] = -1.0
    assert checks(current, {"visits": Bounds(at_least=0.0)}) == [("bounds", "visits")]


def test_new_words() -> None:
    """Another spelling of every category is broken, and the words name it."""
    current = customers(2)
    current["plan"] = current["plan"].str.upper()
    found = columns_broken(customers(1), current, FREE)
    assert [breach.check for breach in found] == ["new categories"]
    assert "'" in found[0].words


def test_one_new_plan_is_no_breach() -> None:
    """A new category that a tenth of the customers take is life."""
    current = customers(2)
    current.loc[np.arange(ROWS) % 10 == 0, "plan"] = "team"
    assert checks(current) == []


def test_too_few_rows_break_nothing() -> None:
    """A handful of rows says nothing about a column."""
    assert checks(customers(2, rows=20).assign(visits=np.nan)) == []


@pytest.mark.parametrize(
    ("scored", "due", "broken"), [(900, 1_000, False), (400, 1_000, True), (0, 10, False)]
)
def test_volume(scored: int, due: int, broken: bool) -> None:
    """Fewer than half of the due moments scored is a breach, unless hardly any were due."""
    assert bool(volume(scored, due)) == broken
