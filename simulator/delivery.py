"""How the events reach us: late, twice, out of order, sometimes spoilt.

A customer's behaviour is one thing, what a pipe makes of it another: this is the pipe.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator import world
from simulator.behaviour import Behaviour
from simulator.cohort import DAY_SECONDS, stream
from simulator.drift import Changes
from simulator.world import Floats, Ints

DELAY_LOG_SECONDS, DELAY_SPREAD = 3.0, 1.2
LATE_SHARE, LATE_LOG_SECONDS, LATE_SPREAD = 0.03, 10.5, 1.0
LONGEST_DELAY = 10 * DAY_SECONDS
TWICE_SHARE, TWICE_LOG_SECONDS = 0.01, 8.0
SPOILT_SHARE = 0.004

SOUND, LATE, TWICE, UNKNOWN_EVENT, NO_CUSTOMER, NO_TIME, FROM_THE_FUTURE, BEFORE_TIME = range(8)
PLANTED = (
    "", "late", "duplicate", "unknown event", "no customer", "no time", "from the future",
    "before time",
)  # fmt: skip
SPOILT = (UNKNOWN_EVENT, NO_CUSTOMER, NO_TIME, FROM_THE_FUTURE, BEFORE_TIME)

UNIT_BUG = 100.0


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """r rows as they arrive, each array of shape (r,); seconds count from the simulation's start.

    Attributes:
        cohort: sign-up day of the customer.
        number: of the event within its cohort; a row that came twice has the same.
        planted: index into `PLANTED`.
        received: when the row arrives.
    """

    cohort: Ints
    number: Ints
    customer: Ints
    session: Ints
    event: Ints
    occurred: Floats
    received: Floats
    value: Floats
    item: Ints
    planted: Ints

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Delivered:
        return Delivered(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def join(parts: list[Delivered]) -> Delivered:
    """Put the rows of several deliveries one after the other."""
    return Delivered(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Delivered)}
    )


def deliver(seed: int, day: int, done: Behaviour) -> Delivered:
    """Send a cohort's events: each once, some late, some twice, and some spoilt rows besides."""
    rng = stream(seed, day, "delays")
    normal = rng.standard_normal((done.size, 2))
    chance = stream(seed, day, "faults").random((done.size, 2))
    late = chance[:, 0] < LATE_SHARE
    delay = np.where(
        late,
        np.exp(LATE_LOG_SECONDS + LATE_SPREAD * normal[:, 0]),
        np.exp(DELAY_LOG_SECONDS + DELAY_SPREAD * normal[:, 0]),
    )
    occurred = done.at + day * DAY_SECONDS
    once = Delivered(
        cohort=np.full(done.size, day),
        number=np.arange(done.size),
        customer=done.customer,
        session=done.session,
        event=done.event,
        occurred=occurred,
        received=occurred + np.minimum(delay, LONGEST_DELAY),
        value=done.value,
        item=done.item,
        planted=np.where(late, LATE, SOUND),
    )
    later = np.exp(TWICE_LOG_SECONDS + normal[:, 1])
    twice = np.flatnonzero((chance[:, 0] >= LATE_SHARE) & (chance[:, 0] < LATE_SHARE + TWICE_SHARE))
    spoilt = np.flatnonzero(chance[:, 1] < SPOILT_SHARE)
    return join([once, repeated(once, twice, later), spoil(once, spoilt, chance[:, 1])])


def repeated(once: Delivered, rows: Ints, later: Floats) -> Delivered:
    """The same events again, `later` seconds after they came first."""
    again = once.take(rows)
    return Delivered(
        **{f.name: getattr(again, f.name) for f in fields(again) if f.name not in _SENT_AGAIN},
        received=again.received + later[rows],
        planted=np.full(len(rows), TWICE),
    )


_SENT_AGAIN = ("received", "planted")


def spoil(once: Delivered, rows: Ints, chance: Floats) -> Delivered:
    """Rows of no event that ever happened, copied from `rows` and made unusable."""
    like = once.take(rows)
    fault = np.array(SPOILT)[(chance[rows] / SPOILT_SHARE * len(SPOILT)).astype(np.int64)]
    occurred = np.select(
        [fault == NO_TIME, fault == FROM_THE_FUTURE, fault == BEFORE_TIME],
        [
            np.full(len(rows), np.nan),
            like.occurred + 3 * 365 * DAY_SECONDS,
            np.full(len(rows), -3e9),
        ],
        like.occurred,
    )
    return Delivered(
        cohort=like.cohort,
        number=-1 - like.number,
        customer=np.where(fault == NO_CUSTOMER, -1, like.customer),
        session=like.session,
        event=np.where(fault == UNKNOWN_EVENT, len(world.EVENTS), like.event),
        occurred=occurred,
        received=like.received,
        value=like.value,
        item=like.item,
        planted=fault,
    )


def break_pipe(rows: Delivered, changed: Changes) -> Delivered:
    """While it is broken: values 100 times too large, sessions lost, no page views."""
    broken = changed.holds("broken", (rows.received // DAY_SECONDS).astype(np.int64))
    bent = Delivered(
        **{f.name: getattr(rows, f.name) for f in fields(rows) if f.name not in _BENT},
        value=np.where(broken, rows.value * UNIT_BUG, rows.value),
        session=np.where(broken, -1, rows.session),
    )
    return bent.take(~(broken & (rows.event == world.PAGE_VIEW)))


_BENT = ("value", "session")
