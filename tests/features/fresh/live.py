"""A toy home that takes live events, and random lives of customers to send it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from lifecycle.home import Home
from tests.features.canonical import (
    START,
    TOML,
    customer,
    days,
    event,
    fill,
    random_event,
    settle,
)

SOURCES = """
[events.all]
files = ["events/*.csv"]
columns = { event_id = "event_id", customer_id = "customer_id", event = "event", \
occurred_at = "occurred_at", received_at = "received_at" }
properties = { session_id = "session_id", item = "item", value = "value" }

[customers.all]
files = ["customers/*.csv"]
columns = { customer_id = "customer_id", signed_up_at = "signed_up_at", \
received_at = "received_at" }
profile = { country = "country", age = "age", newsletter = "newsletter" }
"""

Event = Mapping[str, Any]


def live_home(root: Path, *, clock: str = "data") -> Home:
    """A home of the toy data set with the tables of its sources."""
    return settle(root, TOML.replace('clock = "data"', f'clock = "{clock}"') + SOURCES)


def said(row: Mapping[str, Any], *, receipt: bool = True) -> Event:
    """A canonical event as a client sends it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if value is not None and (receipt or name != "received_at")
    }


def sign_up(home: Home, names: Sequence[str], at: datetime = START) -> None:
    """Customers who signed up, each with a later version of the profile now and then."""
    dice = random.Random(len(names))  # noqa: S311  dice, no secret
    rows = []
    for name in names:
        start = at + days(round(dice.random() * 5, 2))
        rows.append(customer(name, start, age=float(dice.randint(18, 80)), country="de"))
        if dice.random() < 0.3:
            rows.append(customer(name, start, received_at=start + days(3), country="it"))
    fill(home, rows, [])


def random_lives(dice: random.Random, names: Sequence[str]) -> list[Event]:
    """What customers did, as it reaches us: late, out of order, twice, by known and unknown."""
    events = []
    for name in names:
        for _ in range(dice.randint(0, 9)):
            events.append(said(random_event(dice, name, START + days(6))))
            if dice.random() < 0.2:
                events.append(events[-1])
    dice.shuffle(events)
    return events


def parts(dice: random.Random, events: Sequence[Event]) -> list[Sequence[Event]]:
    """The events as a few requests, in order."""
    cuts = sorted(dice.randint(0, len(events)) for _ in range(dice.randint(0, 3)))
    ends = [0, *cuts, len(events)]
    return [events[a:b] for a, b in pairwise(ends) if a < b]


def served_home(root: Path, names: Sequence[str]) -> Home:
    """A home whose customers are in the online store as of ten days after the start."""
    from feature_repo.apply import apply  # noqa: PLC0415  Feast takes seconds, and few need it
    from features.build import build  # noqa: PLC0415
    from features.store import materialize  # noqa: PLC0415

    home = live_home(root)
    sign_up(home, names)
    fill(home, [], [event(name, "login", START + days(9)) for name in names])
    fill(home, [], [event("nobody", "ping", START + days(10))])
    build(home, moments_days=(1, 3, 7), as_of=START + days(10))
    apply(home)
    materialize(home, START + days(10))
    return home


def bought(name: str, day: float, **more: Any) -> Event:
    """A purchase as a client sends it."""
    moment = START + days(day)
    return said({"customer_id": name, "event": "buy", "occurred_at": moment,
                 "received_at": moment, **more})  # fmt: skip
