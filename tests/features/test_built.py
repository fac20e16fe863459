"""Moments with features of their own are told from those without."""

from __future__ import annotations

import pandas as pd

from features.build import build
from features.built import built, quarantined
from lifecycle.home import Home
from tests.features.canonical import START, alive, customer, days, fill


def test_built_and_quarantined_and_neither(home: Home) -> None:
    """Each moment is judged in the order asked; one of another time is not built."""
    people = [customer(f"c{n}", START, age=400.0 if n == 0 else 30.0) for n in range(30)]
    fill(home, people, [alive(START + days(1))])
    asked = pd.DataFrame(
        {
            "customer_id": ["c1", "c0", "c2", "c1"],
            "event_timestamp": pd.to_datetime(
                [START + days(1), START + days(1), START + days(2), START + days(1)]
            ),
        }
    )
    assert not built(home, asked).any()
    build(home, moments_days=(1,), as_of=START + days(1))
    assert built(home, asked).tolist() == [True, False, False, True]
    assert quarantined(home, asked).tolist() == [False, True, False, False]
    assert built(home, asked.head(0)).tolist() == []
