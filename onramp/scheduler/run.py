"""`onramp scheduler`: the schedule, the lock, the signals and the loop, put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from lifecycle.home import Home
from onramp.console import show, table
from onramp.options import Place
from onramp.scheduler.child import Ended, Rules, call
from onramp.scheduler.loop import Call, Loop, World, only_one, when_alone
from onramp.scheduler.schedule import Run, read_schedule
from onramp.scheduler.stopping import Stopping, by_signals


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for on the command line.

    Attributes:
        file: the schedule; None: the home's own, else the shipped one.
        source: the folder that `ingest` takes.
        port: of /metrics; None: nowhere.
        wait: for the end of another scheduler.
        patience: seconds that a verb under way may go on when stopped.
    """

    file: Path | None
    source: Path | None
    port: int | None
    wait: bool
    patience: float


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run, as `--check` shows it."""

    name: str
    at: str
    next_at: datetime
    steps: tuple[str, ...]


def check_schedule(place: Place, file: Path | None, source: Path | None) -> None:
    """Show what would be called when; errors as `read_schedule`."""
    now = datetime.now(UTC)
    planned = tuple(
        Planned(
            name=run.name, at=run.cron.text, next_at=run.cron.after(now),
            steps=tuple(" ".join(step) for step in run.steps),
        )
        for run in read_schedule(place.home, file, source)
    )  # fmt: skip
    rows = [("run", "at (UTC)", "next", "verbs")]
    rows += [(p.name, p.at, f"{p.next_at:%Y-%m-%d %H:%M}", " && ".join(p.steps)) for p in planned]
    show(planned, table(rows), as_json=place.as_json)


def run(place: Place, wishes: Wishes) -> None:
    """Schedule until SIGTERM or SIGINT.

    Raises:
        UsageError: the schedule cannot be taken.
        NotReady: the home has no data set yet.
        Busy: another scheduler of this home works, and nobody asked to wait for its end; or the
            port is taken.
    """
    place.home.dataset()
    runs = read_schedule(place.home, wishes.file, wishes.source)
    stopping, tell = Stopping(wishes.patience), teller(as_json=place.as_json)
    world = World(now=lambda: datetime.now(UTC), call=caller(place.home, stopping, tell), tell=tell)
    with by_signals(stopping):
        act = partial(work, place.home, runs, world, stopping, wishes.port)
        if wishes.wait:
            when_alone(place.home, stopping, tell, act)
        else:
            with only_one(place.home):
                act()


def work(
    home: Home, runs: Sequence[Run], world: World, stopping: Stopping, port: int | None
) -> None:
    """The loop, with its metrics on a port where that was asked for."""
    page: AbstractContextManager[str] = nullcontext("")
    if port is not None:
        from onramp.local_pages import app, metrics_route, shown  # noqa: PLC0415  only where asked

        page = shown(app([metrics_route(home)]), port)
    with page as address:
        named = ", ".join(f"{run.name} ({run.cron.text})" for run in runs)
        world.tell(f"Scheduling {named}{f'; metrics at {address}/metrics' if address else ''}")
        Loop(home, runs, world, stopping).work()


def caller(home: Home, stopping: Stopping, tell: Callable[[str], None]) -> Call:
    """Calls a step in a process of its own, and shows what it prints."""

    def called(run: Run, words: Sequence[str], meanwhile: Callable[[], None]) -> Ended:
        rules = Rules(
            limit_seconds=run.limit_seconds, hurry=lambda: stopping.hurry, meanwhile=meanwhile
        )
        return call(home, words, rules, lambda line: tell(f"  {line}"))

    return called


def teller(*, as_json: bool) -> Callable[[str], None]:
    """Lines with the time, for a journal; or one JSON document each."""

    def tell(line: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        click.echo(json.dumps({"at": at, "said": line}) if as_json else f"{at} {line}")

    return tell
