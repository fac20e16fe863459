"""Say who serves, what was decided and what is going on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lifecycle.integrity import UNPROVEN
from onramp.console import show, table
from onramp.options import Place, common

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lifecycle.job import Job
    from lifecycle.ledger import Entry
    from onramp.scheduler.state import State

NEWEST_DECISIONS = 8


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One task: which version serves, and the job that is open or ended last.

    Attributes:
        awaits: versions that the gate would promote and that wait for a person, newest first.
        unproven: the champion by name, where nothing was registered to verify its files by.
        settled: what became of a change of champion that a killed process had left.
    """

    task: str
    champion: int | None
    previous: int | None
    newest: int | None
    job: Job | None
    awaits: tuple[int, ...] = ()
    unproven: str = ""
    settled: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """The whole home.

    Attributes:
        webhooks: messages, of aliases and of jobs, that nobody took so far, in words.
        scheduler: what it has done and does next; None where none ever ran.
    """

    home: str
    dataset: str
    newest_data: datetime
    tasks: tuple[Standing, ...]
    decisions: tuple[Entry, ...]
    webhooks: tuple[str, ...] = ()
    scheduler: State | None = None
    scheduler_problem: str = ""


@click.command()
@common
def command(place: Place) -> None:
    """Say who serves, what was decided and what is going on."""
    from lifecycle.event_store import EventStore
    from lifecycle.ledger import Ledger
    from tasks import supported

    dataset = place.home.dataset()
    scheduler, problem = scheduled(place)
    status = Status(
        home=str(place.home.root),
        dataset=dataset.name,
        newest_data=EventStore(place.home).newest(dataset),
        tasks=tuple(standing(place, name) for name in supported(dataset)),
        decisions=Ledger(place.home).read(newest=NEWEST_DECISIONS),
        webhooks=untold(place),
        scheduler=scheduler,
        scheduler_problem=problem,
    )
    show(status, lines(status), as_json=place.as_json)


def standing(place: Place, task: str) -> Standing:
    """Who holds which alias, and the newest job."""
    from lifecycle.jobs import Jobs
    from lifecycle.registry import Registry
    from training.promotion.awaiting import awaiting
    from training.promotion.move import settle

    registry = Registry(place.home)
    settled = settle(place.home, registry, task)
    versions = registry.versions(task)
    holders = {alias: version.number for version in versions for alias in version.aliases}
    return Standing(
        task=task,
        champion=holders.get("champion"),
        previous=holders.get("previous"),
        newest=versions[0].number if versions else None,
        job=next(iter(Jobs(place.home).read(task)), None),
        awaits=tuple(awaiting(place.home, task)),
        unproven=next((v.name for v in versions if "champion" in v.aliases and not v.digest), ""),
        settled=settled.words if settled else "",
    )


def scheduled(place: Place) -> tuple[State | None, str]:
    """The scheduler's state, and why it cannot be read; that must not hide the rest."""
    from lifecycle.errors import DataError
    from onramp.scheduler.state import read_state

    try:
        return read_state(place.home), ""
    except DataError as error:
        return None, str(error)


def untold(place: Place) -> tuple[str, ...]:
    """Messages that are still to be delivered, once that was tried again."""
    from lifecycle import notify
    from lifecycle.webhook import deliver, undelivered

    deliver(place.home)
    problem = place.home.channels_problem
    if not problem:
        notify.tell(place.home)
    aliases = tuple(
        f"The webhook about {one.about} is {one.state}, after {one.attempts} attempts: "
        f"{one.problem or 'none was made yet.'}"
        for one in undelivered(place.home)
    )
    untaken = (one.words for one in notify.undelivered(place.home))
    return (*aliases, *([problem] if problem else []), *untaken)


def lines(status: Status) -> list[str]:
    """The page a person reads."""
    from onramp.scheduler.words import lines as scheduler_lines

    heading = ("task", "champion", "previous", "newest", "last job")
    rows = [
        (
            standing.task,
            *(str(n or "–") for n in (standing.champion, standing.previous, standing.newest)),
            told_of(standing.job),
        )
        for standing in status.tasks
    ]
    return [
        f"{status.dataset} in {status.home}, data until {status.newest_data:%Y-%m-%d %H:%M} UTC",
        "",
        *table([heading, *rows]),
        "",
        *([*scheduler_lines(status.scheduler), ""] if status.scheduler else []),
        *([status.scheduler_problem, ""] if status.scheduler_problem else []),
        *attention(status.tasks, status.webhooks),
        "Last decisions" if status.decisions else "No decision was taken yet.",
        *(
            f"  {entry.at}  {entry.task}  {entry.decision}"
            f"{f' version {entry.version}' if entry.version else ''} ({entry.actor}): {entry.why}"
            for entry in status.decisions
        ),
    ]


def told_of(job: Job | None) -> str:
    """The job's state, what is between it and the next, and why it was asked for."""
    if job is None:
        return "–"
    tried = f" (attempt {job.attempts})" if job.attempts > 1 else ""
    again = f", again after {job.next_try_at[:16]} UTC" if job.next_try_at else ""
    return f"{job.state}{tried}{again}: {job.why}"


def attention(tasks: Sequence[Standing], webhooks: Sequence[str] = ()) -> list[str]:
    """What a person has to do, and what was done for them."""
    found = [
        f"{one.task} version {number} awaits approval: `onramp approve {one.task} --version "
        f"{number}` or `onramp reject {one.task} --version {number} --because …`"
        for one in tasks
        for number in one.awaits
    ]
    found += [
        f"{one.task} job {one.job.id} is a dead letter: {one.job.words} "
        f"`onramp retrain {one.task} --retry` or `--cancel`"
        for one in tasks
        if one.job and one.job.state == "dead letter"
    ]
    found += [f"{one.unproven} {UNPROVEN}" for one in tasks if one.unproven]
    found += [*(one.settled for one in tasks if one.settled), *webhooks]
    return [*found, ""] if found else []
