"""What can be asked about a customer's horizon. A label is data; `features.labels` computes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inactive:
    """True when the horizon holds no activity."""


@dataclass(frozen=True)
class Does:
    """True when the horizon holds the event."""

    event: str


@dataclass(frozen=True)
class MostTaken:
    """The content type taken up most in the horizon; no label when none was taken up.

    Ties go to the type whose name sorts first, so that a label never depends on row order.
    """


Label = Inactive | Does | MostTaken
