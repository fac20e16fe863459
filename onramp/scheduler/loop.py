"""The scheduler itself: look what is due, call it, write down what came of it, sleep."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from lifecycle.errors import NO_FAILURE, Busy, OnrampError
from lifecycle.home import Home
from lifecycle.lock import held
from lifecycle.worker import me
from onramp.exposition import write_textfile
from onramp.scheduler import plan
from onramp.scheduler.child import STOPPED, Ended
from onramp.scheduler.schedule import Run
from onramp.scheduler.state import Mark, State, read_state, write_state
from onramp.scheduler.stopping import Stopping

BEAT = timedelta(minutes=1)
SLEEP_SECONDS = 20.0  # a machine that slept, or whose clock jumped, is noticed so soon
WAIT_SECONDS = 5.0
LOCK = "scheduler.held"


class Call(Protocol):
    """Runs one step to its end."""

    def __call__(self, run: Run, words: Sequence[str], meanwhile: Callable[[], None]) -> Ended: ...


@dataclass(frozen=True, kw_only=True)
class World:
    """What the loop cannot do in a test: know the time, call a verb, tell somebody.

    Attributes:
        now: the time, with its zone.
        tell: a line for whoever watches.
    """

    now: Callable[[], datetime]
    call: Call
    tell: Callable[[str], None]


def when_alone(
    home: Home, stopping: Stopping, tell: Callable[[str], None], act: Callable[[], None]
) -> None:
    """Act once no other scheduler of this home does; nothing where the end is asked for first."""
    told = False
    with ExitStack() as stack:
        while not stopping.asked:
            try:
                stack.enter_context(only_one(home))
            except Busy as error:
                if not told:
                    tell(f"{error.what} {error.found} Waiting for its end.")
                told = True
                stopping.wait(WAIT_SECONDS)
            else:
                act()
                return


def only_one(home: Home) -> AbstractContextManager[None]:
    """The lock that one scheduler of this home holds.

    Raises:
        Busy: another does.
    """
    return held(home.locks / LOCK, "Scheduling")


class Loop:
    """One scheduler, which holds the lock."""

    def __init__(self, home: Home, runs: Sequence[Run], world: World, stopping: Stopping) -> None:
        self.home, self.runs, self.world, self.stopping = home, runs, world, stopping
        now = world.now()
        self.started_at = self.beat_at = now
        self.marks = plan.resumed(runs, self._before(), now)
        self.doing = ""

    def _before(self) -> dict[str, Mark]:
        """The marks that another process left; a damaged file is begun anew."""
        try:
            state = read_state(self.home)
        except OnrampError as error:
            self.world.tell(str(error))
            return {}
        return dict(state.marks) if state else {}

    def work(self) -> None:
        """Go on until somebody asks for the end."""
        self.write()
        self.expose()
        while not self.stopping.asked:
            run = plan.due(self.runs, self.marks, self.world.now())
            if run is None:
                self.sleep()
            else:
                self.take(run)
        self.write(stopped=True)
        self.world.tell("Stopped.")

    def take(self, run: Run) -> None:
        """Call the run's next step, and mark it before and after."""
        mark = self.marks[run.name] = plan.begun(run, self.marks[run.name], self.world.now())
        words = run.steps[mark.step or 0]
        self.doing = " ".join(words)
        self.write()
        self.world.tell(f"{run.name}: onramp {self.doing}")
        end = self.world.call(run, words, self.beat)
        self.doing = ""
        if end.exit_code == STOPPED and self.stopping.asked:  # the next scheduler does it again
            return
        said = "" if end.exit_code in NO_FAILURE else end.said
        self.marks[run.name] = plan.ended(run, mark, self.world.now(), end.exit_code, said)
        self.world.tell(f"{run.name}: onramp {' '.join(words)} ended with {end.exit_code}")
        self.write()
        self.expose()

    def sleep(self) -> None:
        """Until something may be due, or a beat."""
        self.beat()
        now = self.world.now()
        times = [plan.next_time(run, self.marks[run.name], now) for run in self.runs]
        until = (min(times) - now).total_seconds()
        self.stopping.wait(min(max(until, 0.0), SLEEP_SECONDS))

    def beat(self) -> None:
        """Say every minute that we live."""
        if abs(self.world.now() - self.beat_at) >= BEAT:
            self.write()
            self.expose()

    def state(self, *, stopped: bool = False) -> State:
        """What others may know."""
        now = self.world.now()
        return State(
            worker=me(), started_at=self.started_at, beat_at=now, doing=self.doing,
            stopped=stopped, marks=self.marks,
            next_at={r.name: plan.next_time(r, self.marks[r.name], now) for r in self.runs},
        )  # fmt: skip

    def write(self, *, stopped: bool = False) -> None:
        """Leave word of where we are. A full disk stops nothing else."""
        state = self.state(stopped=stopped)
        self.beat_at = state.beat_at
        try:
            write_state(self.home, state)
        except OSError as error:
            self.world.tell(f"The scheduler's state could not be written: {error}")

    def expose(self) -> None:
        """Bring the metrics up to date."""
        try:
            write_textfile(self.home)
        except (OSError, OnrampError, sqlite3.Error) as error:
            self.world.tell(f"The metrics could not be written: {error}")
