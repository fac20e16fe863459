"""Hashed keys of moments: which rows a version has seen, without keeping whose they were."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd

BYTES = 8  # per row: 8 MB for a million rows; a chance meeting of two among them is 1 in 10⁷

Keys = npt.NDArray[np.uint64]


def row_keys(frame: pd.DataFrame) -> Keys:
    """One 64-bit key for each moment, the same in every process and on every platform.

    Args:
        frame: `customer_id` and `event_timestamp` (with or without zone; without means UTC).

    Returns:
        Keys of shape (rows,), in the frame's order.
    """
    times = pd.to_datetime(frame["event_timestamp"], utc=True).dt.as_unit("us").astype("int64")
    digests = b"".join(
        blake2b(f"{customer}\x1f{time}".encode(), digest_size=BYTES).digest()
        for customer, time in zip(frame["customer_id"], times, strict=True)
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def count_seen(keys: Keys, *others: Keys) -> int:
    """How many of the keys are in any of the others."""
    seen = np.zeros(len(keys), dtype=bool)
    for other in others:
        seen |= np.isin(keys, other)
    return int(seen.sum())
