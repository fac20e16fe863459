from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.build import BuildReport
from features.statistics import BINS, QUANTILES, TOP, Range, edges_of, extent, statistics
from features.tables import Table, tables
from lifecycle.home import Home


@pytest.fixture(scope="module")
def views(built: tuple[Home, BuildReport]) -> tuple[Table, ...]:
    home, _ = built
    return tables(home, home.dataset())


def frame_of(table: Table) -> pd.DataFrame:
    return pd.concat([pq.ParquetFile(part).read().to_pandas() for part in table.parts()])


def test_numbers_are_what_pandas_says(views: tuple[Table, ...]) -> None:
    """Rows, gaps, range and mean of every number equal a plain computation over the parts."""
    for table in views:
        rows, found = frame_of(table), statistics(table, table.features)
        for feature in (one for one in table.features if one.type == "number"):
            values, one = rows[feature.name].dropna(), found[feature.name]
            assert (one.rows, one.missing) == (len(rows), len(rows) - len(values))
            assert one.share_missing == pytest.approx(rows[feature.name].isna().mean())
            assert (one.least, one.most) == (values.min(), values.max())
            assert one.mean == pytest.approx(values.mean())
            assert sum(one.bins) == len(values)
            assert len(one.sparkline) == len(one.bins) <= BINS + 1


def test_quantiles_are_near_the_exact_ones(views: tuple[Table, ...]) -> None:
    """A t-digest's quantile lies between the exact ones two hundredths before and after."""
    table = views[1]
    values = frame_of(table)["profile_age"].dropna()
    found = statistics(table, table.features)["profile_age"].quantiles
    for share, value in zip(QUANTILES, found, strict=True):
        assert (
            values.quantile(max(0, share - 0.02)) <= value <= values.quantile(min(1, share + 0.02))
        )


def test_each_row_is_in_the_bin_of_its_value(views: tuple[Table, ...]) -> None:
    """A bin holds what is at most its edge and above the edge before."""
    table = views[0]
    values = frame_of(table)["engagement_score_7d"].dropna()
    one = statistics(table, table.features)["engagement_score_7d"]
    edges = np.asarray(one.edges)
    assert (
        list(one.bins) == np.bincount(np.searchsorted(edges, values), minlength=len(edges)).tolist()
    )


def test_categories_are_counted(views: tuple[Table, ...]) -> None:
    """The commonest values stand first, with their rows."""
    table = views[1]
    counts = frame_of(table)["profile_country"].value_counts()
    one = statistics(table, table.features)["profile_country"]
    assert one.distinct == len(counts)
    assert sorted(one.top, key=lambda pair: (-pair[1], pair[0])) == list(one.top)
    assert dict(one.top) == dict(counts[:TOP])


@pytest.mark.parametrize(
    ("least", "most", "whole", "top", "edges"),
    [
        (0.0, 3.0, True, 3.0, [0.0, 1.0, 2.0, 3.0]),
        (0.0, 900.0, True, 1.0, [0.0, 900.0]),
        (5.0, 5.0, True, 5.0, [5.0]),
        (0.5, 0.5, False, 0.5, [0.5]),
    ],
)
def test_whole_numbers_have_a_bin_each(
    least: float, most: float, whole: bool, top: float, edges: list[float]
) -> None:
    """Up to the 0.99 quantile; what lies above is in the last bin, and one value is one bin."""
    assert edges_of(Range(9, least, most, 1.0, whole, [least, top])) == edges


def test_a_view_that_is_not_built_has_no_numbers(home: Home) -> None:
    """Nothing built is no statistics, and no error."""
    for table in tables(home, home.dataset()):
        assert statistics(table, table.features) == {}
        assert extent(table) is None


def test_the_extent_of_a_view(views: tuple[Table, ...]) -> None:
    """Rows and times are exact; customers are counted to a few percent."""
    rows, found = frame_of(views[0]), extent(views[0])
    assert found is not None
    assert (found.rows, found.first, found.last) == (
        len(rows), rows["event_timestamp"].min(), rows["event_timestamp"].max(),
    )  # fmt: skip
    assert found.customers == pytest.approx(rows["customer_id"].nunique(), rel=0.1)
