"""The whole loop in one run: what a newcomer sees first, and a test of every joint.

On simulated customers the world changes one day: the models are trained before it, a month
passes, some of its labels ripen, and the platform has to notice and act. On real data the last
four weeks take the place of that month, with whatever they hold.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ingestion import ingest
from lifecycle.errors import UsageError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.progress import Progress
from lifecycle.task import Task
from monitoring.monitor import MonitorReport, monitor
from onramp.delivery import deliver
from onramp.live import ask, served_version, serving
from onramp.refresh import refresh
from onramp.retrain import Budget, RetrainReport, retrain
from serving.batch import score
from simulator import Drift, simulate
from simulator.simulate import DAYS, START
from tasks import supported
from training.promotion import PromotionReport, promote
from training.train import TrainReport, train

MARK = "demo"  # a file in the home that says: made by a demo, may be put aside by the next
STRANGER = "nobody-we-know"
WEEK = timedelta(days=7)
WEEKS = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the demo runs on.

    Attributes:
        dataset: the data set's TOML file.
        source: folder of a real data set; None: simulate.
        customers: how many sign up in the simulated history.
        seconds: of search for each model.
    """

    dataset: Path
    source: Path | None
    customers: int
    seed: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of what happened."""

    name: str
    seconds: float
    words: tuple[str, ...]


@dataclass(kw_only=True)
class Story:
    """What has happened so far. The one value here that grows, because a demo is a diary."""

    home: Home
    plan: Plan
    tell: Callable[[str], None]
    progress: Progress
    steps: list[Step] = field(default_factory=list)
    trained: dict[str, TrainReport] = field(default_factory=dict)
    promoted: list[PromotionReport] = field(default_factory=list)
    monitored: list[MonitorReport] = field(default_factory=list)
    retrained: list[RetrainReport] = field(default_factory=list)
    customer: str = STRANGER

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step and tell what it says."""
        begun = time.monotonic()
        words: list[str] = []
        yield words
        done = Step(name=name, seconds=time.monotonic() - begun, words=tuple(words))
        self.steps.append(done)
        self.tell(f"[{done.seconds:5.1f} s] {name}")
        for line in words:
            self.tell(f"          {line}")

    @property
    def tasks(self) -> dict[str, Task]:
        return dict(supported(self.home.dataset()))


def fresh_home(home: Home) -> None:
    """Put an earlier demo aside; never touch a home that holds somebody's work.

    Raises:
        UsageError: the home was not made by a demo.
    """
    if home.root.exists() and any(home.root.iterdir()):
        if not (home.root / MARK).exists():
            raise UsageError(
                f"{home.root} holds work that is not a demo's.",
                do="Name another folder: `onramp demo --home .onramp-demo`.",
            )
        aside = home.root.with_name(f"{home.root.name}.before")
        shutil.rmtree(aside, ignore_errors=True)
        home.root.rename(aside)
    home.root.mkdir(parents=True, exist_ok=True)
    (home.root / MARK).write_text("Made by `onramp demo`. The next demo puts this folder aside.\n")


def play(story: Story) -> None:
    """Run the whole loop."""
    if story.plan.source is None:
        play_simulated(story)
    else:
        play_real(story)


def play_simulated(story: Story) -> None:
    """Learn, serve; then the world changes."""
    changes = START + timedelta(days=DAYS)
    pool, drop = story.home.root / "simulated", story.home.root / "incoming"
    with story.step("simulate") as words:
        made = simulate(
            pool, customers=story.plan.customers, seed=story.plan.seed, days=DAYS,
            more_days=WEEKS * WEEK.days, progress=story.progress,
            drift=(Drift("concept", changes), Drift("covariate", changes)),
        )  # fmt: skip
        words.append(
            f"{made.customers:,} customers, {made.events:,} events; "
            f"from {changes:%Y-%m-%d} on other people sign up and they behave differently"
        )
    deliver(pool, drop, (changes - timedelta(days=1)).date())
    take_in(story, drop)
    learn(story, None)
    with serving(story.home, story.home.root / "serve.log") as client:
        question(story, client)
        for week in range(1, WEEKS + 1):
            with story.step(f"week {week} after the change") as words:
                deliver(pool, drop, (changes + week * WEEK - timedelta(days=1)).date())
                ingest(story.home, story.plan.dataset, drop)
                live_on(story, words, online=week == WEEKS)
        watch(story)
        answer_change(story, client)


def play_real(story: Story) -> None:
    """Learn up to four weeks before the end; then live through them."""
    take_in(story, story.plan.source)
    end = EventStore(story.home).newest(story.home.dataset())
    learn(story, end - WEEKS * WEEK)
    with story.step(f"the last {WEEKS} weeks") as words:
        live_on(story, words, online=True, since=end - WEEKS * WEEK)
    with serving(story.home, story.home.root / "serve.log") as client:
        question(story, client)
        watch(story)
        answer_change(story, client)


def take_in(story: Story, source: Path | None) -> None:
    """Raw files into the event store."""
    with story.step("ingest") as words:
        words.extend(
            ingest(story.home, story.plan.dataset, source, progress=story.progress).lines()
        )


def learn(story: Story, as_of: datetime | None) -> None:
    """Features, a model of each task, the gate."""
    with story.step("features") as words:
        words.extend(refresh(story.home, as_of=as_of, progress=story.progress).lines())
    for task in story.tasks.values():
        with story.step(f"train {task.name}") as words:
            report = train(
                story.home, task, as_of=as_of, seconds=story.plan.seconds,
                seed=story.plan.seed, progress=story.progress,
            )  # fmt: skip
            story.trained[task.name] = report
            words.extend(report.lines())
        with story.step(f"promote {task.name}") as words:
            judged = promote(story.home, task, version=report.version, actor="demo", as_of=as_of)
            story.promoted.append(judged)
            words.extend(judged.lines())


def question(story: Story, client: httpx.Client) -> None:
    """Ask about somebody we know and about somebody we do not."""
    with story.step("serve and ask") as words:
        story.customer = somebody(story.home)
        for user in (story.customer, STRANGER):
            words.extend(told(ask(client, f"/api/personalization/{user}")))


def told(answer: dict[str, Any]) -> list[str]:
    """A personalization answer as a person reads it."""
    risk, content = answer["risk"], answer["content"]
    first = content["ranked"][0]["title"] if content["ranked"] else "nothing"
    if risk["probability"] is None:
        return [f"{answer['user_id']}: {risk['reason']} Fallback content: {first}."]
    how = "" if content["personalized"] else " (by popularity)"
    chance = f"churn risk {risk['probability']:.2f} ({risk['band']})"
    return [f"{answer['user_id']}: {chance}, show first: {first}{how}"]


def live_on(story: Story, words: list[str], *, online: bool, since: datetime | None = None) -> None:
    """What the daily jobs do: features, then everybody whose moment fell due is scored."""
    refreshed = refresh(story.home, online=online)
    for task in story.tasks.values():
        words.extend(score(story.home, task, as_of=refreshed.as_of, since=since).lines())


def watch(story: Story) -> None:
    """Look at what was served."""
    now = EventStore(story.home).as_of(story.home.dataset())
    for task in story.tasks.values():
        with story.step(f"monitor {task.name}") as words:
            report = monitor(story.home, task, as_of=now)
            story.monitored.append(report)
            words.extend(report.lines())


def answer_change(story: Story, client: httpx.Client) -> None:
    """Work off the jobs that monitoring opened; the running server follows a promotion."""
    for task in story.tasks.values():
        with story.step(f"retrain {task.name}") as words:
            report = retrain(
                story.home, task, budget=Budget(seconds=story.plan.seconds),
                progress=story.progress,
            )  # fmt: skip
            story.retrained.append(report)
            words.extend(report.lines())
            if report.outcome == "promoted" and report.version is not None:
                waited = served_version(client, task.name, report.version)
                words.append(
                    f"The running server answers with version {report.version} "
                    f"{waited:.1f} s after the promotion."
                )


def somebody(home: Home) -> str:
    """The newest customer who has been with us for three days."""
    dataset = home.dataset()
    store = EventStore(home)
    with store.connect(dataset) as connection:
        found = connection.execute(
            "SELECT customer_id FROM customers WHERE signed_up_at <= ?::TIMESTAMP - INTERVAL 3 DAY"
            " ORDER BY signed_up_at DESC, customer_id LIMIT 1",
            [store.newest(dataset).replace(tzinfo=None)],
        ).fetchone()
    return str(found[0]) if found else STRANGER
