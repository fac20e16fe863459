"""The whole loop in one run: what a newcomer sees first, and a test of every joint.

On simulated customers the world changes one day: the models are trained before it, a month
passes, some of its labels ripen, and the platform has to notice and act. On real data the last
four weeks take the place of that month, with whatever they hold. The tasks know nothing of each
other, so each is learned, watched and retrained in a process of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from ingestion import ingest
from lifecycle import tracking
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.task import Task
from monitoring.monitor import MonitorReport, monitor
from onramp.delivery import deliver
from onramp.job_report import RetrainReport
from onramp.live import ask, served_version, serving
from onramp.refresh import refresh
from onramp.retrain import Budget, retrain
from onramp.side_by_side import side_by_side
from onramp.story import STRANGER, Plan, Step, Story
from serving.batch import score
from simulator import Drift, simulate
from simulator.simulate import DAYS, START
from training.promotion.promote import promote
from training.promotion.report import PromotionReport
from training.run import TrainReport, train

WEEK = timedelta(days=7)
WEEKS = 4


def play(story: Story) -> None:
    """Run the whole loop."""
    if story.plan.simulated:
        play_simulated(story)
    else:
        play_real(story)


def ready() -> None:
    """Called in a process of its own, it has loaded everything that this module loads."""


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
        # made here, before two processes would both migrate a new MLflow store
        tracking.experiment(story.home, task.name)
    act = partial(learn_one, story.home, story.plan, as_of)
    for (trained, judged), seconds in side_by_side(
        story.pool, act, story.tasks.values(), story.progress
    ):
        story.trained[trained.task] = trained
        story.promoted.append(judged)
        said = (*trained.lines(), *judged.lines())
        story.record(Step(name=f"learn {trained.task}", seconds=seconds, words=said))


def learn_one(
    home: Home, plan: Plan, as_of: datetime | None, task: Task
) -> tuple[TrainReport, PromotionReport]:
    """Train a task's model and put it through the gate."""
    trained = train(
        home, task, as_of=as_of, seconds=plan.seconds, trials=plan.trials, seed=plan.seed
    )
    return trained, promote(home, task, version=trained.version, actor="demo", as_of=as_of)


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
    why = [f"  why: {one['words']}" for one in risk["reasons"] or ()]
    return [f"{answer['user_id']}: {chance}, show first: {first}{how}", *why[:1]]


def live_on(story: Story, words: list[str], *, online: bool, since: datetime | None = None) -> None:
    """What the daily jobs do: features, then everybody whose moment fell due is scored."""
    refreshed = refresh(story.home, online=online)
    for task in story.served:
        words.extend(score(story.home, task, as_of=refreshed.as_of, since=since).lines())


def watch(story: Story) -> None:
    """Look at what was served."""
    now = EventStore(story.home).as_of(story.home.dataset())
    act = partial(watch_one, story.home, now)
    for report, seconds in side_by_side(story.pool, act, story.served, story.progress):
        story.monitored.append(report)
        words = tuple(report.lines())
        story.record(Step(name=f"monitor {report.task}", seconds=seconds, words=words))


def watch_one(home: Home, now: datetime, task: Task) -> MonitorReport:
    return monitor(home, task, as_of=now)


def answer_change(story: Story, client: httpx.Client) -> None:
    """Work off the jobs that monitoring opened; the running server follows a promotion."""
    act = partial(answer_one, story.home, story.plan)
    for report, seconds in side_by_side(story.pool, act, story.served, story.progress):
        story.retrained.append(report)
        words = report.lines()
        if report.outcome == "promoted" and report.version is not None:
            waited = served_version(client, report.task, report.version)
            words.append(
                f"The running server answers with version {report.version}, "
                f"{waited:.1f} s after we asked."
            )
        story.record(Step(name=f"retrain {report.task}", seconds=seconds, words=tuple(words)))


def answer_one(home: Home, plan: Plan, task: Task) -> RetrainReport:
    return retrain(home, task, budget=Budget(seconds=plan.seconds, trials=plan.trials))


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
