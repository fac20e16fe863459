"""Compare like with like: customers as long after sign-up as those in the window.

Nearly every feature depends on how long a customer has been with us. A reference of a few weeks
holds more first days than thirtieth, a window in steady state as many of each, and so undrifted
customers would drift. Rows are matched by their moment: days after sign-up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.profile import UNKNOWN, Part, Profile, summed
from monitoring.windows import KEYS

LEAST_ROWS = 100  # of one day in the reference; fewer carry no comparison
SECONDS_A_DAY = 86_400

Ages = npt.NDArray[np.int64]


def ages(frame: pd.DataFrame, asked: pd.DataFrame) -> Ages:
    """Whole days from sign-up to each row's moment; −1 where the moment is not among `asked`."""
    if frame.empty or asked.empty:
        return np.full(len(frame), UNKNOWN, dtype=np.int64)
    known = frame[KEYS].merge(asked, on=KEYS, how="left", validate="many_to_one")
    since = known["event_timestamp"] - known["signed_up_at"]
    days = since.dt.total_seconds() / SECONDS_A_DAY
    return np.asarray(days.round().fillna(UNKNOWN), dtype=np.int64)


def alike(reference: Ages, current: Ages, seed: int = 0) -> tuple[Ages, Ages]:
    """Places of rows to compare, so that both sides hold the days in the same shares.

    The reference is thinned at random, by seed; of the current rows only those of days that the
    reference can answer for are left. Without any such day everything is compared as it is.
    """
    days = [
        day
        for day in np.unique(current[current != UNKNOWN])
        if np.count_nonzero(reference == day) >= LEAST_ROWS
    ]
    if not days:
        return np.arange(len(reference)), np.arange(len(current))
    kept = np.flatnonzero(np.isin(current, days))
    shares = {day: np.count_nonzero(current[kept] == day) / len(kept) for day in days}
    rows = min(np.count_nonzero(reference == day) / share for day, share in shares.items())
    rng = np.random.default_rng(seed)
    taken = [
        rng.choice(np.flatnonzero(reference == day), int(rows * share), replace=False)
        for day, share in shares.items()
    ]
    return np.sort(np.concatenate(taken)), kept


def matched_parts(reference: Profile, current: Profile) -> tuple[Part, Part]:
    """What can be compared of two profiles: both sides hold the days in the same shares.

    The reference's days are weighed, none above one, as if it had been thinned to the window's
    shares; of the window, days that the reference can answer for are left. Shares then differ
    from thinning by chance alone, and are steadier, because every row of the reference speaks.
    """
    days = [
        day
        for day in current.parts
        if day != UNKNOWN
        and current.parts[day].rows
        and day in reference.parts
        and reference.parts[day].rows >= LEAST_ROWS
    ]
    if not days:
        return reference.whole(), current.whole()
    kept = sum(current.parts[day].rows for day in days)
    shares = {day: current.parts[day].rows / kept for day in days}
    rows = min(reference.parts[day].rows / share for day, share in shares.items())
    weights = {day: rows * share / reference.parts[day].rows for day, share in shares.items()}
    return summed(reference, weights), summed(current, dict.fromkeys(days, 1.0))


def matched(
    reference: pd.DataFrame, current: pd.DataFrame, asked: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both frames that can be compared; see `alike`.

    Args:
        reference: the version's own test sample.
        current: the window.
        asked: customer_id, event_timestamp, signed_up_at of every moment that has come.
    """
    before, after = alike(ages(reference, asked), ages(current, asked))
    return reference.iloc[before], current.iloc[after]
