"""A small home that went the whole way: events, features, Feast, champions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from feature_repo.apply import apply
from features.build import build
from features.moments import moments
from features.store import historical, materialize, service_types
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.registry import Registry
from lifecycle.task import Task
from tasks import supported
from tests.features.canonical import customer, event, fill, settle
from tests.serving.forge import Recipe, forge

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 45
CUSTOMERS = 80
EVENTS = ("login", "view_article", "view_video", "share_video", "buy", "ping")


@dataclass(frozen=True)
class Fed:
    """Features are built, applied and materialized up to `as_of`; both tasks have champions."""

    home: Home
    as_of: datetime
    tasks: tuple[Task, ...]


def feed(root: Path, stores: Path | None = None) -> Fed:
    """Make it; `stores` is a Feast configuration in place of the embedded one."""
    home = replace(settle(root), stores=stores)
    fill(home, *happenings())
    as_of = EventStore(home).as_of(home.dataset())
    tasks = tuple(supported(home.dataset()).values())
    refresh(home, tasks, as_of)
    for seed, task in enumerate(tasks):
        found = historical(home, task.name, moments(home, task, as_of))
        types = service_types(home, task.name)
        frame = found.select(list(types)).to_pandas()
        recipe = Recipe(task=task.name, kind=task.kind, seed=seed, features=tuple(types.items()))
        Registry(home).point("champion", forge(home, recipe, frame))
    return Fed(home, as_of, tasks)


def refresh(home: Home, tasks: tuple[Task, ...], as_of: datetime) -> None:
    """What `onramp features` does."""
    days = tuple(sorted({day for task in tasks for day in task.moments}))
    build(home, moments_days=days, as_of=as_of)
    apply(home)
    materialize(home, as_of)


def happenings() -> tuple[list[object], list[object]]:
    """Customers who sign up evenly over the days, and what they do."""
    draw = np.random.default_rng(5)
    customers, events = [], []
    for n in range(CUSTOMERS):
        name, signed_up = f"c{n:03}", START + timedelta(days=DAYS * n / CUSTOMERS)
        customers.append(
            customer(name, signed_up, country=str(draw.choice(["DE", "FR"])), age=30.0 + n % 9,
                     newsletter=bool(n % 2))
        )  # fmt: skip
        left = (START + timedelta(days=DAYS) - signed_up) / timedelta(days=1)
        for day in np.sort(draw.uniform(0, left, draw.integers(1, 25))):
            moment = signed_up + timedelta(days=float(day))
            events.append(
                event(name, str(draw.choice(EVENTS)), moment, value=float(draw.gamma(2, 5)))
            )
    return customers, events
