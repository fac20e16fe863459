"""What the customers of a cohort do: sessions, then the events of each session.

Rows are in order of (day after sign-up, customer, session, event), so that the rows of earlier
days do not depend on what later days hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import world
from simulator.cohort import DAY_SECONDS, Cohort, stream
from simulator.drift import Changes
from simulator.world import Floats, Ints

CONCEPT_WANDERS_EVERY_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """m sessions, each array of shape (m,); `start` in seconds after the sign-up day's midnight."""

    life: Ints
    customer: Ints
    start: Floats


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """e events, each array of shape (e,).

    Attributes:
        customer: position in the cohort.
        session: position among the cohort's sessions.
        event: index into `world.EVENTS`.
        at: seconds after the sign-up day's midnight.
        value: minutes or euros; NaN where the event has none.
        item: number of the content item; -1 where the event has none.
    """

    customer: Ints
    session: Ints
    event: Ints
    at: Floats
    value: Floats
    item: Ints

    @property
    def size(self) -> int:
        return len(self.at)


def behave(seed: int, cohort: Cohort, weekday: int, changed: Changes) -> Behaviour:
    """Draw everything a cohort does; `weekday` is that of the sign-up day, Monday 0."""
    sessions = draw_sessions(seed, cohort, weekday)
    rng = stream(seed, cohort.day, "session lengths")
    length = 3 + rng.poisson(1.4 * np.exp(0.15 * cohort.engagement[sessions.customer]))
    session = np.repeat(np.arange(len(length)), length)
    first = np.cumsum(length) - length
    position = np.arange(len(session)) - first[session]
    customer = sessions.customer[session]
    event = draw_events(seed, cohort, customer, sessions.life[session], changed)
    event[position == 0] = world.LOGIN
    place_key_actions(cohort, sessions, first, event)
    return Behaviour(
        customer=customer,
        session=session,
        event=event,
        at=event_times(seed, cohort.day, sessions.start[session], first[session], position),
        value=draw_values(seed, cohort, customer, event),
        item=draw_items(seed, cohort.day, event),
    )


def draw_sessions(seed: int, cohort: Cohort, weekday: int) -> Sessions:
    """Sessions of each day: many at first, then settled, fewer once interest fades, then none."""
    life = np.arange(world.LIFETIME_DAYS)[:, None]
    rate = (
        np.exp(world.SESSIONS_BASE + world.SESSIONS_OF_ENGAGEMENT * cohort.engagement)
        * (1 + world.SESSIONS_FIRST_DAYS * np.exp(-life / world.SESSIONS_SETTLING_DAYS))
        * world.SESSIONS_OF_WEEKDAY[(weekday + life) % 7]
        * np.where(life >= cohort.fades, world.FADED_ACTIVITY, 1.0)
        * (life < cohort.leaves)
    )
    count = stream(seed, cohort.day, "sessions").poisson(rate)
    count[0] = np.maximum(count[0], 1)
    cell = np.repeat(np.arange(count.size), count.ravel())
    opened, customer = np.divmod(cell, cohort.size)
    rng = stream(seed, cohort.day, "session times")
    usual_hour = stream(seed, cohort.day, "usual hours").normal(17, 3.5, cohort.size)
    hour = (usual_hour[customer] + 2.5 * rng.standard_normal(len(cell))) % 24
    at = opened * DAY_SECONDS + hour * 3600
    left_of_day = DAY_SECONDS - cohort.signed_up[customer]
    on_first_day = cohort.signed_up[customer] + 5 + (hour / 24) * 0.9 * left_of_day
    return Sessions(life=opened, customer=customer, start=np.where(opened == 0, on_first_day, at))


def event_times(seed: int, day: int, start: Floats, first: Ints, position: Ints) -> Floats:
    """Begin with the session, then pause about two minutes before each next event."""
    pause = stream(seed, day, "pauses").exponential(120, len(start)) + 1
    pause[position == 0] = 0
    running = np.cumsum(pause)
    return start + running - running[first]


def draw_events(seed: int, cohort: Cohort, customer: Ints, life: Ints, changed: Changes) -> Ints:
    """What is done at each place of a session, by the customer's own taste."""
    rng = stream(seed, cohort.day, "events")
    uniform = rng.random((len(customer), 2))
    done = (uniform[:, :1] > np.cumsum(world.DONE_SHARE)[:-1]).sum(axis=1)
    edges = np.cumsum(cohort.taste, axis=1)[:, :-1]
    content = (uniform[:, 1:] > edges[customer]).sum(axis=1)
    weeks = life // CONCEPT_WANDERS_EVERY_DAYS
    wandering = changed.holds("concept", cohort.day + life)
    content = np.where(wandering, (content + weeks + 1) % len(world.CONTENT), content)
    other = np.array([world.PAGE_VIEW, 0, world.PURCHASE, world.SUPPORT_TICKET, world.INVITE_SENT])
    drawn: Ints = np.where(done == 1, world.FIRST_CONTENT + content, other[done])
    return drawn


def place_key_actions(cohort: Cohort, sessions: Sessions, first: Ints, event: Ints) -> None:
    """Put each key action near the beginning of the first session that it was due in.

    Changes `event` in place: it was made for this.
    """
    for place, action in enumerate((world.PROFILE_COMPLETED, world.FIRST_PROJECT)):
        ready = np.flatnonzero(sessions.life >= cohort.key_days[place][sessions.customer])
        _, earliest = np.unique(sessions.customer[ready], return_index=True)
        event[first[ready[earliest]] + 1 + place] = action


def draw_values(seed: int, cohort: Cohort, customer: Ints, event: Ints) -> Floats:
    """Minutes of content and euros of purchases; one in twenty is missing."""
    rng = stream(seed, cohort.day, "values")
    normal, missing = rng.standard_normal((len(event), 2)).T
    value = np.exp(
        world.VALUE_LOG_MEAN[event]
        + 0.25 * cohort.engagement[customer]
        + world.VALUE_LOG_SPREAD * normal
    )
    has = world.HAS_VALUE[event] & (missing < world.ONE_IN_TWENTY)
    return np.where(has, value.round(2), np.nan)


def draw_items(seed: int, day: int, event: Ints) -> Ints:
    """Which item of its content type: low numbers are the popular ones."""
    uniform = stream(seed, day, "items").random(len(event))
    item = np.floor(world.ITEMS_PER_CONTENT * uniform**2).astype(np.int64)
    is_content = (event >= world.FIRST_CONTENT) & (event < world.FIRST_CONTENT + len(world.CONTENT))
    return np.where(is_content, item, -1)
