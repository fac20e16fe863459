"""What may change in the simulated world, and from which day on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from lifecycle.errors import UnknownName

Kind = Literal["covariate", "prior", "concept", "broken"]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Drift:
    """One change of the world.

    Attributes:
        kind: `covariate`: other people sign up, everybody behaves as before. `prior`: everybody
            leaves more easily. `concept`: what kept customers now drives them away and tastes
            wander from week to week, while inputs look alike. `broken`: customers behave as
            before, but the pipe that brings their events does not.
        since: the first day (UTC) that is changed.
    """

    kind: Kind
    since: datetime

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName("drift", self.kind, KINDS)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The drifts as day numbers: the first changed day of each kind, or None."""

    covariate: int | None = None
    prior: int | None = None
    concept: int | None = None
    broken: int | None = None


def changes(drifts: tuple[Drift, ...], start: date) -> Changes:
    """Count days from the start of the simulation; of two of one kind the earlier counts."""
    first: dict[str, int] = {}
    for drift in drifts:
        day = (drift.since.date() - start).days
        first[drift.kind] = min(day, first.get(drift.kind, day))
    return Changes(**first)
