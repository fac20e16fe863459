"""Who judges a retrain beside the newest customers.

A short test by sign-up holds the first days of new customers only: a moment thirty days after
sign-up is none of theirs yet. So of those who signed up before and whose moments go on into the
test, a fixed share is set apart by a hash of their name: their later moments judge, and none of
theirs is learned from. The hash is the same everywhere and always, so that champion and
challenger set the same customers apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

SHARE = 0.25
PLACES = 10_000

Chosen = npt.NDArray[np.bool_]


def jurors(customers: pd.Series[Any], share: float) -> Chosen:
    """Whether each customer is among the share that is set apart, shape (n,)."""
    hashed = pd.util.hash_array(customers.astype(str).to_numpy(dtype=object))
    return np.asarray(hashed % PLACES < round(share * PLACES))


def jury_from(frame: pd.DataFrame, test_starts: pd.Timestamp) -> pd.Timestamp:
    """The sign-up time from which customers can have a moment in the test.

    Args:
        frame: `signed_up_at` and `event_timestamp`.
        test_starts: the first test moment.
    """
    return pd.Timestamp(test_starts - (frame["event_timestamp"] - frame["signed_up_at"]).max())
