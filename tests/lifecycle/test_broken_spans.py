"""What monitoring called broken, as the ledger tells of it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.broken_spans import (
    BrokenSpan,
    broken_spans,
    merged,
    read,
    spans_of,
    trust,
    written,
)
from lifecycle.errors import UsageError
from lifecycle.home import open_home
from lifecycle.ledger import Entry, Ledger

PATIENT = settings(  # a busy machine draws slowly
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
START = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(days=7)


def verdict(
    week: int, decision: str, checks: Sequence[str] | None = ("unit",), number: int = 0
) -> Entry:
    """Of the window that ends after so many weeks."""
    end = START + week * WEEK
    evidence: dict[str, object] = {
        "as_of": end.isoformat(),
        "window": {"start": (end - WEEK).isoformat(), "end": end.isoformat()},
    }
    if checks is not None:
        evidence["checks"] = list(checks)
    return Entry(
        actor="monitor", task="churn", decision=decision, why="", evidence=evidence, number=number
    )


def span(first: int, last: int) -> BrokenSpan:
    return BrokenSpan(start=START + first * WEEK, end=START + last * WEEK)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], ()),
        ([verdict(1, "ignore"), verdict(2, "watch")], ()),
        ([verdict(3, "broken data")], (span(2, 3),)),
        ([verdict(3, "broken data"), verdict(4, "broken data")], (span(2, 4),)),
        ([verdict(1, "broken data"), verdict(3, "broken data")], (span(0, 1), span(2, 3))),
        ([verdict(3, "broken data"), verdict(3, "ignore", number=2)], ()),
        ([verdict(3, "ignore"), verdict(3, "broken data", number=2)], (span(2, 3),)),
        ([verdict(3, "broken data", ["volume"])], ()),
        ([verdict(3, "broken data", ["freshness", "volume"])], (span(2, 3),)),
        ([verdict(3, "broken data", None)], (span(2, 3),)),
        ([verdict(9, "broken data")], ()),
        ([Entry(actor="monitor", task="churn", decision="broken data", why="")], ()),
    ],
    ids=["none", "whole", "one", "in a row", "apart", "mended", "found later", "unscored",
         "silent and unscored", "of before checks were kept", "not known yet", "of no window"],
)  # fmt: skip
def test_which_spans_are_broken(rows: list[Entry], found: tuple[BrokenSpan, ...]) -> None:
    """The last verdict about a window counts; one on later data is not known yet."""
    assert merged(spans_of(rows, START + 5 * WEEK)) == found


def test_only_the_monitors_rows_of_the_task(tmp_path: Path) -> None:
    """From the ledger, which others write into as well."""
    home = open_home(tmp_path)
    ledger = Ledger(home)
    for row in (verdict(1, "broken data"), verdict(4, "ignore")):
        ledger.append(row)
    ledger.append(Entry(actor="ada", task="churn", decision="promote", why="", version="1"))
    assert broken_spans(home, "churn", START + 9 * WEEK) == (span(0, 1),)
    assert broken_spans(home, "preference", START + 9 * WEEK) == ()
    assert broken_spans(home, "churn", START) == ()


def test_a_person_says_what_was_mended(tmp_path: Path) -> None:
    """A span that holds the window whole is learnt from again; broken again, it is not."""
    home = open_home(tmp_path)
    ledger, later = Ledger(home), START + 9 * WEEK
    for week in (1, 4, 5):
        ledger.append(verdict(week, "broken data"))
    half = BrokenSpan(start=START, end=START + WEEK / 2)
    with pytest.raises(UsageError, match="No broken window of churn lies in 2026-01-05"):
        trust(home, "churn", half, actor="ada", because="")
    row = trust(home, "churn", span(3, 5), actor="ada", because="backfilled")
    assert broken_spans(home, "churn", later) == (span(0, 1),)
    told = ledger.read("churn", newest=1)[0]
    assert (told.number, told.decision, told.why) == (row, "trust again", "backfilled")
    ledger.append(verdict(4, "broken data"))
    assert broken_spans(home, "churn", later) == (span(0, 1), span(3, 4))


SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda it: span(it[0], it[0] + it[1]))
)


@PATIENT
@given(SPANS, st.integers(0, 70 * 7 * 24))
def test_merging_loses_no_time_and_adds_none(spans: list[BrokenSpan], hour: int) -> None:
    """An instant is in one of the merged spans where it was in any; and they can be written."""
    when = START + timedelta(hours=hour)
    found = merged(spans)
    within = [one for one in found if one.start < when <= one.end]
    assert len(within) == any(one.start < when <= one.end for one in spans)
    assert read(written(found)) == found
