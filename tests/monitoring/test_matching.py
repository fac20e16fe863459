"""Windows are compared with customers as long after sign-up as their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.profile import UNKNOWN, profile_of, shape_of
from monitoring import drift
from monitoring.matching import LEAST_ROWS, ages, alike, matched, matched_parts
from tests.monitoring.counted import compare

START = datetime(2026, 1, 1, tzinfo=UTC)


def asked(days: list[int]) -> pd.DataFrame:
    """One customer a row, asked so many days after sign-up."""
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(len(days))],
            "event_timestamp": pd.to_datetime([START + timedelta(days=day) for day in days]),
            "signed_up_at": pd.to_datetime([START] * len(days)),
        }
    )


def test_ages() -> None:
    """A row's age is the days from its customer's sign-up; a moment nobody asked has none."""
    moments = asked([1, 3, 30])
    rows = pd.concat([moments.iloc[[2, 0]], asked([7] * 9).iloc[[8]]])
    assert ages(rows, moments).tolist() == [30, 1, UNKNOWN]


def test_an_older_reference_is_no_drift() -> None:
    """Days that weigh differently drift when compared as they are, and not when matched."""
    rng = np.random.default_rng(0)
    days = rng.choice([1, 3, 7, 14, 30], 4_000, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist()
    later = rng.choice([1, 3, 7, 14, 30], 1_000).tolist()
    moments = asked(days + later)
    moments["visits"] = rng.poisson(np.array(days + later)).astype(float)
    reference, current = moments.iloc[:4_000], moments.iloc[4_000:]
    raw = compare(reference, current, ["visits"], effect=0.1)[0]
    like = compare(*matched(reference, current, moments), ["visits"], effect=0.1)[0]
    assert (raw.outcome, like.outcome) == ("drifted", "stable")
    assert like.reference_rows > 700
    shape = shape_of("visits", reference["visits"])
    (weighed,) = drift.compare(
        [shape],
        *matched_parts(
            profile_of(reference, [shape], ages(reference, moments)),
            profile_of(current, [shape], ages(current, moments)),
        ),
        effect=0.1,
    )
    assert (weighed.outcome, weighed.reference_rows) == ("stable", like.reference_rows)


def test_without_a_common_day_all_is_compared() -> None:
    """Moments that nobody knows leave both sides as they are."""
    reference, current = alike(np.full(500, UNKNOWN), np.full(20, 3))
    assert (len(reference), len(current)) == (500, 20)


@given(
    before=st.lists(st.sampled_from((1, 3, 7)), min_size=1, max_size=8),
    after=st.lists(st.sampled_from((1, 3, 7, 14, UNKNOWN)), min_size=1, max_size=60),
)
@settings(deadline=None, max_examples=60)
def test_shares_are_alike(before: list[int], after: list[int]) -> None:
    """Whatever days there are, each has the same share on both sides, and no row is taken twice."""
    reference, current = np.repeat(before, LEAST_ROWS), np.array(after)
    taken, kept = alike(reference, current)
    assert len(set(taken.tolist())) == len(taken)
    days = set(current[kept].tolist())
    if not days & set(before):
        return
    for day in days:
        share = np.mean(current[kept] == day)
        assert abs(np.mean(reference[taken] == day) - share) < 0.05
