"""What may change in the simulated world, from which day on, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lifecycle.errors import UnknownName, UsageError
from simulator.world import Ints

Kind = Literal["covariate", "prior", "concept", "broken", "blank"]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Drift:
    """One change of the world.

    Attributes:
        kind: `covariate`: other people sign up, everybody behaves as before. `prior`: everybody
            leaves more easily. `concept`: what kept customers now drives them away and tastes
            wander from week to week, while inputs look alike. `broken`: customers behave as
            before, but the pipe that brings their events does not. `blank`: profiles arrive
            without their plan; once that is mended, they are sent again, whole.
        since: the first day (UTC) that is changed.
        until: the first day that is as before; None: it lasts.
    """

    kind: Kind
    since: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName("drift", self.kind, KINDS)
        if self.until is not None and self.until <= self.since:
            raise UsageError(
                f"The drift {self.kind!r} ends before it begins.",
                found=f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}.",
                do="Let it end on a later day.",
            )


@dataclass(frozen=True)
class Spell:
    """The days `since <= day < until`, counted from the start; until None: all that follow."""

    since: int
    until: int | None = None


@dataclass(frozen=True)
class Changes:
    """The spells of each kind of drift."""

    spells: Mapping[Kind, tuple[Spell, ...]] = field(default_factory=dict)

    def holds(self, kind: Kind, day: Ints | int) -> NDArray[np.bool_]:
        """Whether the world is changed so on each of the days."""
        days = np.asarray(day)
        found = np.zeros(days.shape, dtype=bool)
        for spell in self.spells.get(kind, ()):
            end = np.inf if spell.until is None else spell.until
            found |= (days >= spell.since) & (days < end)
        return found


def changes(drifts: tuple[Drift, ...], start: date) -> Changes:
    """Count days from the start of the simulation."""
    found: dict[Kind, tuple[Spell, ...]] = {}
    for drift in drifts:
        since = (drift.since.date() - start).days
        until = None if drift.until is None else (drift.until.date() - start).days
        found[drift.kind] = (*found.get(drift.kind, ()), Spell(since, until))
    return Changes(found)
