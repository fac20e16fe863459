"""onramp.scheduler.loop: what is called when, by a clock of the tests' own; one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from onramp.scheduler.child import STOPPED, Ended
from onramp.scheduler.cron import Cron
from onramp.scheduler.loop import Loop, World, only_one, when_alone
from onramp.scheduler.schedule import Run
from onramp.scheduler.state import read_state
from onramp.scheduler.stopping import Stopping

EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
NIGHTLY = Run(name="nightly", cron=Cron("15 2 * * *"), steps=(("features",), ("score", "--all")))
WEEKLY = Run(name="look", cron=Cron("0 4 * * 1"), steps=(("monitor", "--all"),))


class Clock(Stopping):
    """Sleeps by moving its own hands, and asks for the end at an hour of its choice."""

    def __init__(self, until: datetime) -> None:
        super().__init__(0.0)
        self.now, self.until = EVENING, until

    def wait(self, seconds: float) -> None:
        # a whole sleep at a time would be 20 s of a simulated week
        self.now += timedelta(seconds=max(seconds, 600.0))
        if self.now >= self.until:
            self.ask()


class Restless(Stopping):
    """Waits for nothing."""

    def wait(self, seconds: float) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / "home")
    home.root.mkdir()
    return home


def world(clock: Clock, called: list[str], answer: Callable[[str], int]) -> World:
    def call(run: Run, words: Sequence[str], meanwhile: Callable[[], None]) -> Ended:
        meanwhile()
        text = " ".join(words)
        called.append(f"{clock.now:%a %H} {run.name} {text}")
        return Ended(exit_code=answer(text), said=f"{text} said so")

    return World(now=lambda: clock.now, call=call, tell=lambda _: None)


def lived(home: Home, days: float, answer: Callable[[str], int] = lambda _: 0,
          runs: Sequence[Run] = (NIGHTLY, WEEKLY)) -> list[str]:  # fmt: skip
    """What a scheduler calls in so many days."""
    clock, called = Clock(EVENING + timedelta(days=days)), []
    Loop(home, runs, world(clock, called, answer), clock).work()
    return called


def test_every_verb_is_called_in_its_hour(home: Home) -> None:
    """From Sunday evening to Tuesday noon: two nights and one Monday."""
    assert lived(home, 1.7) == [
        "Mon 02 nightly features", "Mon 02 nightly score --all", "Mon 04 look monitor --all",
        "Tue 02 nightly features", "Tue 02 nightly score --all",
    ]  # fmt: skip


def test_its_state_can_be_read_meanwhile_and_after(home: Home) -> None:
    """What was done, how it ended, what comes next, and that it has stopped."""
    lived(home, 0.5, lambda text: 3 if text == "features" else 0)
    state = read_state(home)
    assert state is not None
    assert (state.stopped, state.running, state.doing) == (True, False, "")
    nightly = state.marks["nightly"]
    assert (nightly.exit_code, nightly.said) == (3, "features said so")
    assert nightly.succeeded_at is None
    assert f"{state.next_at['nightly']:%a %H:%M}" == "Tue 02:15"


def test_another_process_knows_what_was_done(home: Home) -> None:
    """The night is not repeated after a restart, and a week of sleep is one run."""
    assert lived(home, 0.5) != []
    assert lived(home, 0.5) == []
    file = home.scheduler_file
    file.write_text(file.read_text().replace('"since": "2026-11-23', '"since": "2026-11-15'))
    assert lived(home, 0.1) == ["Sun 20 nightly features", "Sun 20 nightly score --all",
                                "Sun 20 look monitor --all"]  # fmt: skip


def test_a_damaged_state_is_begun_anew(home: Home) -> None:
    """A scheduler that does not start is worse than one that makes up for nothing."""
    home.scheduler_file.write_text('{"marks": 7')
    assert len(lived(home, 0.5)) == 3
    assert read_state(home) is not None


def test_a_verb_that_was_stopped_with_the_scheduler_is_done_again(home: Home) -> None:
    """By the next one, at once."""
    clock, called = Clock(EVENING + timedelta(days=9)), []

    def stop(text: str) -> int:
        clock.ask()
        return STOPPED if text == "features" else 0

    Loop(home, [NIGHTLY], world(clock, called, stop), clock).work()
    assert called == ["Mon 02 nightly features"]
    assert lived(home, 0.1, runs=[NIGHTLY]) == [
        "Sun 20 nightly features", "Sun 20 nightly score --all",
    ]  # fmt: skip


def test_of_two_schedulers_one_works(home: Home) -> None:
    """The other is told at once, or waits for its end."""
    busy = pytest.raises(Busy, match="Scheduling is under way already")
    with only_one(home), busy, only_one(home):
        pass
    stopping, acted, said = Restless(0.0), threading.Event(), []

    def tell(line: str) -> None:
        said.append(line)
        lock.__exit__(None, None, None)

    lock = only_one(home)
    lock.__enter__()
    when_alone(home, stopping, tell, acted.set)
    assert acted.is_set()
    assert len(said) == 1


def test_who_waits_can_be_stopped(home: Home) -> None:
    """Without ever having worked."""
    stopping, acted = Restless(0.0), threading.Event()
    with only_one(home):
        when_alone(home, stopping, lambda _: stopping.ask(), acted.set)
    assert not acted.is_set()
