"""Sizes, shares, changes and warnings, against a plain count of the stored rows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.build import build
from features.tables import TTL
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home
from segments.build import SegmentReport, build_segments
from segments.file import Limits
from segments.standing import standing, too_small
from segments.table import segment_table
from tests.features.canonical import AS_OF, DAYS, alive, customer, days, fill


def newest_rows(home: Home) -> dict[str, dict[str, object]]:
    """Customer → the newest stored row that answers at AS_OF."""
    parts = segment_table(home).table.parts()
    rows = pa.concat_tables([pq.read_table(part) for part in parts]).sort_by("event_timestamp")
    return {
        row["customer_id"]: row
        for row in rows.to_pylist()
        if AS_OF - TTL <= row["event_timestamp"] <= AS_OF
    }


def test_sizes_are_counts_of_the_customers_that_would_be_answered_for(
    told: tuple[Home, SegmentReport],
) -> None:
    """Each customer counts once, by the newest row that still answers."""
    home, _ = told
    report, rows = standing(home), newest_rows(home)
    assert report.customers == len(rows) > 20
    sizes = {(one.column, one.name): one.size for one in report.groups}
    for column in ("lifecycle_stage", "rfm_segment"):
        counted = Counter(row[column] for row in rows.values())
        assert {name: size for (at, name), size in sizes.items() if at == column and size} == (
            counted
        )
    for one in report.groups:
        assert one.share == one.size / len(rows)
        if one.column == f"segment_{one.name}":
            assert one.size == sum(row[one.column] == 1.0 for row in rows.values())


def test_a_change_is_told_since_the_refresh_before(home: Home) -> None:
    """First there is none; then new customers raise the share of the new ones."""
    build_segments(home, as_of=AS_OF)
    first = standing(home)
    assert first.before is None
    assert {one.change for one in first.groups} == {None}
    later = AS_OF + days(1)
    fill(home, [customer(f"new{n}", AS_OF) for n in range(30)], [alive(later)])
    build(home, moments_days=DAYS, as_of=later)
    build_segments(home, as_of=later)
    build_segments(home, as_of=later + timedelta(microseconds=1))
    second = standing(home)
    assert second.before == AS_OF
    (was,) = (one for one in first.groups if one.name == "new")
    (now,) = (one for one in second.groups if one.name == "new")
    assert now.change == pytest.approx(now.share - was.share)
    assert now.size >= 30
    assert now.change is not None
    assert now.change > 0


@pytest.mark.parametrize(
    ("size", "share", "warning"),
    [
        (29, 0.5, "too small: fewer than 30 customers"),
        (30, 0.009, "too small: less than 1.0% of the customers"),
        (30, 0.01, ""),
    ],
)
def test_too_small_segments_are_warned_of(size: int, share: float, warning: str) -> None:
    """By number and by share; the limits themselves are large enough."""
    assert too_small(size, share, Limits()) == warning


def test_a_segment_is_found_by_its_name(told: tuple[Home, SegmentReport]) -> None:
    """Where several have the name all are told; with the column it is one."""
    report = standing(told[0])
    assert len(report.named("dormant")) == 2
    (one,) = report.named("lifecycle_stage.dormant")
    assert one.description.startswith("Lapsed")
    with pytest.raises(UnknownName, match=r"No segment named 'dorment'.*'dormant'"):
        report.named("dorment")


def test_what_is_not_built_cannot_be_told(home: Home) -> None:
    """Before the first build, and after a rule was changed."""
    with pytest.raises(NotReady, match=r"not built as they are defined now.*segments refresh"):
        standing(home)
