"""Tells people how retrain jobs ended: written down once a channel, then sent until it is taken.

What is news stands on the job itself (`told`), so a process that is killed after the job's end and
before a word of it leaves the word to the next. Nothing here holds a lock that a job or a promotion
needs, and a receiver that hangs is waited for no longer than `PATIENCE_SECONDS`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from lifecycle.channels import AnyChannel, Command, Told
from lifecycle.errors import Busy, OnrampError
from lifecycle.home import Home
from lifecycle.job import Job
from lifecycle.jobs import Jobs
from lifecycle.lock import held
from lifecycle.message import message_of, trial_message
from lifecycle.outbox import LONGEST_PAUSE, Delivery, Outbox
from lifecycle.senders import send

HINDRANCES = (OnrampError, sqlite3.Error, OSError)
OUTCOMES: frozenset[str] = frozenset(get_args(Told))
NEWS = timedelta(days=7)  # what is older was before anybody asked to be told
PATIENCE_SECONDS = 8.0
FIRST_PAUSE_SECONDS = 30.0
HANGS = "it does not answer, and is left to itself."


def tell(home: Home) -> tuple[str, ...]:
    """Write down what is news and send what waits; call it when no lock is held.

    Returns:
        What hindered it, for a person. A failure is never an error: the next command tries again.
    """
    if home.channels_problem:
        return (f"Nobody could be told of the retrain jobs: {home.channels_problem}",)
    if not home.channels:
        return ()
    try:
        write_down(home)
    except HINDRANCES as error:
        return (f"Nobody could be told of the retrain jobs: {error}",)
    return deliver(home)


def write_down(home: Home) -> None:
    """One message a channel for each job whose state people were not told of; never a second."""
    jobs, outbox = Jobs(home), Outbox(home.platform)
    for job in reversed(jobs.read()):
        if job.state not in OUTCOMES or job.told == job.state:
            continue
        for channel in home.channels:
            outbox.put(
                f"job {job.id}", f"{job.state} since {job.state_at}", message_of(job),
                wanted=job.state in channel.on and recent(job), channel=channel.name,
            )  # fmt: skip
        jobs.told(job)


def recent(job: Job) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(job.state_at) < NEWS


def deliver(home: Home) -> tuple[str, ...]:
    """Send what is due, every channel at once; returns what hindered it."""
    outbox = Outbox(home.platform)
    try:
        waiting = [channel for channel in home.channels if outbox.due(channel.name)]
    except HINDRANCES as error:
        return (f"What waits to be told could not be read: {error}",)
    problems: dict[str, str] = {channel.name: "" for channel in waiting}

    def run(channel: AnyChannel) -> Callable[[], None]:
        def work() -> None:
            problems[channel.name] = empty(home, outbox, channel)

        return work

    for name in in_time(waiting, {one.name: run(one) for one in waiting}):
        problems[name] = HANGS
        for delivery in outbox.due(name)[:1]:
            outbox.failed(delivery, HANGS, pause(delivery))
    return tuple(
        f"{name} was not told yet: {problem}" for name, problem in problems.items() if problem
    )


def empty(home: Home, outbox: Outbox, channel: AnyChannel) -> str:
    """Send a channel's messages; returns why one failed, and leaves the rest for the next time."""
    try:
        with held(home.locks / f"notify-{channel.name}.held", f"Telling {channel.name}"):
            for delivery in outbox.due(channel.name):
                problem = send(channel, delivery)
                if problem:
                    outbox.failed(delivery, problem, pause(delivery))
                    return problem
                outbox.sent(delivery)
    except Busy:
        return ""  # another process is at it
    except HINDRANCES as error:
        return f"{type(error).__name__}."
    return ""


def pause(delivery: Delivery) -> float:
    """Seconds until the next attempt, twice as long each time."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(delivery.attempts, 20), LONGEST_PAUSE)


def in_time(
    channels: Sequence[AnyChannel], work: Mapping[str, Callable[[], None]]
) -> tuple[str, ...]:
    """Do all of it at once and wait no longer than our patience lasts; who was not done then.

    A receiver may trickle for ever below every timeout: its thread is left behind, and its lock
    with it, so that no second one hangs on it.
    """
    threads = {
        name: threading.Thread(target=one, name=f"notify {name}", daemon=True)
        for name, one in work.items()
    }
    began = time.monotonic()
    for thread in threads.values():
        thread.start()
    for channel in channels:
        left = began + patience(channel) - time.monotonic()
        threads[channel.name].join(max(0.0, left))
    return tuple(name for name, thread in threads.items() if thread.is_alive())


def patience(channel: AnyChannel) -> float:
    """Seconds that a channel is waited for; of a command, longer than it may take itself."""
    own = channel.seconds + 1 if isinstance(channel, Command) else 0.0
    return max(PATIENCE_SECONDS, own)


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """A message that a channel has not taken."""

    channel: str
    about: str
    state: str
    attempts: int
    problem: str

    @property
    def words(self) -> str:
        return (
            f"{self.channel} was not told of {self.about} ({self.state} after {self.attempts} "
            f"attempts): {self.problem or 'none was made yet.'}"
        )


def undelivered(home: Home) -> tuple[Undelivered, ...]:
    """What nobody took: what waits, then what was given up, of each channel that there is."""
    outbox = Outbox(home.platform)
    return tuple(
        Undelivered(
            channel=channel.name, about=f"{one.about}, {one.moved_to}", state=one.state,
            attempts=one.attempts, problem=one.problem,
        )
        for channel in home.channels
        for one in (*outbox.waiting(channel.name), *outbox.given_up(channel.name))
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How a test message fared; problem: empty when it was taken."""

    channel: str
    kind: str
    problem: str


def try_out(home: Home, actor: str) -> tuple[Tried, ...]:
    """Send a test message to every channel, once, at once."""
    now = time.time()
    delivery = Delivery(
        number=0, id=str(uuid.uuid4()), about="test", moved_to="test",
        payload=json.dumps(trial_message(actor)), written_at=now, state="waiting", attempts=0,
        problem="",
    )  # fmt: skip
    problems = {channel.name: "" for channel in home.channels}

    def run(channel: AnyChannel) -> Callable[[], None]:
        def work() -> None:
            problems[channel.name] = send(channel, delivery)

        return work

    for name in in_time(home.channels, {one.name: run(one) for one in home.channels}):
        problems[name] = HANGS
    return tuple(
        Tried(channel=channel.name, kind=channel.kind, problem=problems[channel.name])
        for channel in home.channels
    )
