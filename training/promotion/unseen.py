"""Which rows may judge: those that come after everything that either model learned from.

Two things have to hold, and each is checked on its own. The rule: of customers who signed up
after both models' training customers, at moments when every label that either of them learned
from was known (of a retrain: after every moment that it learned from). The proof: the hashed keys
of the rows that each version was trained and calibrated on (`lifecycle.row_keys`) share none with
them. The rule alone would believe what a version says of itself; the keys alone would let a
customer's next moment judge, which resembles the one that was learned. One overlap, and the gate
does not judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from lifecycle.row_keys import Keys, count_seen, row_keys
from training.jury import jurors


class Learned(Protocol):
    """A version as far as it tells what it knows."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """`test_signed_up_from`, `labels_known_until`; of a retrain `learned_before`, `jury`."""
        ...

    @property
    def keys(self) -> Keys:
        """Of every row that it was trained or calibrated on."""
        ...


def after(frame: pd.DataFrame, versions: Sequence[Learned]) -> pd.Series[bool]:
    """Rows of later customers, at moments after the last label that any version learned from.

    A retrain learns up to where its test begins (`training.newest`), from customers who signed up
    earlier and are not in its jury (`training.jury`): of it, moments after the last that it learned
    from, of later customers and of the jury.

    Args:
        frame: `customer_id`, and `signed_up_at` and `event_timestamp`, aware; a row that lacks
            one comes after nothing.
        versions: all of whom the rows must come after.

    Raises:
        KeyError: a version does not say until when it learned.
    """
    later = frame["signed_up_at"].notna() & frame["event_timestamp"].notna()
    for one in versions:
        later &= apart(frame, one.facts)
        until = one.facts.get("learned_before") or one.facts["labels_known_until"]
        later &= frame["event_timestamp"] >= pd.Timestamp(until)
    return later


def apart(frame: pd.DataFrame, facts: Mapping[str, Any]) -> pd.Series[bool]:
    """Rows of customers none of whose moments the version learned from, by what it says."""
    others = frame["signed_up_at"] >= pd.Timestamp(facts["test_signed_up_from"])
    jury = facts.get("jury")
    if not jury:
        return others
    late = frame["signed_up_at"] >= pd.Timestamp(jury["signed_up_from"])
    return others | (late & jurors(frame["customer_id"], jury["share"]))


def overlap(rows: pd.DataFrame, versions: Sequence[Learned]) -> int:
    """How many of the rows any version was trained or calibrated on.

    Args:
        rows: `customer_id` and `event_timestamp`.
        versions: whose keys are asked.
    """
    return count_seen(row_keys(rows), *(one.keys for one in versions))
