"""What came of customers' features, as a value that costs nothing to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Freshened:
    """What came of some customers' features.

    Attributes:
        moment: of the rows.
        rows: view → rows that the online store took; it keeps newer ones that it has.
        held_back: customer → why the rows of a view are not served: a bound is broken.
        nobody: who has no features: never signed up as far as is known, or too long ago.
    """

    moment: datetime
    rows: Mapping[str, int]
    held_back: Mapping[str, str]
    nobody: frozenset[str]
