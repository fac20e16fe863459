"""A small real home with two versions, for the proof that online and offline agree."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from feature_repo.apply import apply
from features.build import build
from features.store import forget_store, historical, materialize, online, service_types
from lifecycle.event_store import EventStore
from lifecycle.gate import Gate, NoSkew
from lifecycle.home import Home
from lifecycle.prediction import Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.task import Task
from serving.answers import score
from serving.champion import Champion
from tasks import supported
from tests.features.canonical import customer, event, fill, settle
from tests.serving.forge import Recipe, write_booster, write_facts
from training.model import Scorer
from training.promotion.skew import skew

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, NOW = START + 18 * DAY, START + 20 * DAY
CUSTOMERS = 24
ODD = "c005"  # whose newest profile is impossible


@dataclass(frozen=True, kw_only=True)
class Version:
    number: int
    scorer: Scorer


@dataclass(frozen=True, kw_only=True)
class World:
    """A home with features built, applied and materialized by `NOW`, and two versions."""

    home: Home
    task: Task
    champion: Version
    challenger: Version

    @property
    def people(self) -> list[str]:
        return [f"c{n:03}" for n in range(CUSTOMERS)]

    def answers(self) -> list[Prediction]:
        """What the server would answer and log now, by the server's own code."""
        rows = online(self.home, self.task.name, self.people, now=NOW)
        return score(self.served, [row for row in rows if row.status == "found"])

    @property
    def served(self) -> Champion:
        return Champion(task=self.task.name, version=1, model=None, scorer=self.champion.scorer)

    def log(self, rows: list[Prediction]) -> None:
        PredictionLog(self.home).write(rows)

    def skew(self, requests: int = CUSTOMERS, **other: object):
        found = skew(
            self.home, self.task, self.challenger, self.champion, NOW, requests=requests, **other
        )
        assert found is not None
        return found


def happenings() -> tuple[list, list]:
    draw = np.random.default_rng(3)
    customers, events = [], []
    for n in range(CUSTOMERS):
        name, signed_up = f"c{n:03}", START + timedelta(days=0.6 * n)
        customers.append(
            customer(name, signed_up, country=str(draw.choice(["DE", "FR"])), age=30.0 + n % 9)
        )
        for day in draw.uniform(0, 20 - 0.6 * n, 6):
            when = signed_up + timedelta(days=float(day))
            kind = str(draw.choice(["login", "view_article", "buy"]))
            events.append(event(name, kind, when, value=float(draw.gamma(2, 5))))
    events.append(event("c000", "login", FIRST))
    events.append(event("c000", "login", NOW))
    late = {**customers[5], "age": 500.0, "received_at": FIRST + DAY}
    return [*customers, late], events


def refresh(home: Home, task: Task, as_of: datetime) -> None:
    """What `onramp features` does."""
    build(home, moments_days=task.moments, as_of=as_of)
    apply(home)
    materialize(home, as_of)


def version(folder: Path, number: int, task: Task, frame: pd.DataFrame, types: Mapping) -> Version:
    folder.mkdir(parents=True)
    recipe = Recipe(task=task.name, seed=number, features=tuple(types.items()))
    facts = write_facts(folder, recipe, frame, ("no", "yes"))
    codes = np.random.default_rng(number).integers(0, 2, len(frame))
    write_booster(folder, facts, frame, codes, recipe)
    return Version(number=number, scorer=Scorer.from_folder(folder))


def make_world(root: Path) -> World:
    home = settle(root / "home")
    fill(home, *happenings())
    task = supported(home.dataset())["churn"]
    task = replace(task, gate=Gate(rules=(NoSkew(least_requests=5),)))
    refresh(home, task, FIRST)
    refresh(home, task, NOW)
    types = service_types(home, task.name)
    moments = pd.DataFrame(
        {"customer_id": [f"c{n:03}" for n in range(CUSTOMERS)], "event_timestamp": NOW}
    )
    frame = historical(home, task.name, moments).to_pandas()[list(types)]
    one, two = (version(root / f"v{n}", n, task, frame, types) for n in (1, 2))
    return World(home=home, task=task, champion=one, challenger=two)


def rebuild(world: World, as_of: datetime) -> None:
    shutil.rmtree(world.home.features)
    refresh(world.home, world.task, as_of)
    forget_store(world.home)
    assert EventStore(world.home).as_of(world.home.dataset()) == as_of
