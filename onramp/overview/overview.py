"""Everything that a page or a metric shows of a home, with what could not be read in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from lifecycle import verb_runs
from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.verb_runs import VerbRun
from onramp.overview import rows
from onramp.overview.look import Look, read_looks
from onramp.overview.rows import Decision, JobCount, JobRow
from onramp.scheduler.state import State, read_state
from tasks import supported

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of each is read."""

    looks: int = 26
    jobs: int = 30
    decisions: int = 30


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A home at one time.

    Attributes:
        read_at: when it was read.
        dataset: its title; empty where nothing was ingested yet.
        newest_data: when anything was last received; None where that is not known.
        questions: task → what it asks, of every task that the data set supports.
        looks: task → its looks, newest first.
        promoted: task → the decision by which its champion serves.
        scheduler: None where none ever ran.
        problems: what could not be read.
    """

    home: str
    read_at: datetime
    dataset: str = ""
    newest_data: datetime | None = None
    questions: Mapping[str, str] = field(default_factory=dict)
    looks: Mapping[str, tuple[Look, ...]] = field(default_factory=dict)
    jobs: tuple[JobRow, ...] = ()
    job_counts: tuple[JobCount, ...] = ()
    decisions: tuple[Decision, ...] = ()
    promoted: Mapping[str, Decision] = field(default_factory=dict)
    verbs: tuple[VerbRun, ...] = ()
    scheduler: State | None = None
    problems: tuple[str, ...] = ()


class Trouble:
    """Collects what goes wrong, so that one damaged store hides no other."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def tried(self, what: str, act: Callable[[], T], otherwise: T) -> T:
        """What `act` returns; where it fails, `otherwise`, and a line about it."""
        try:
            return act()
        except NotReady:
            return otherwise
        except Exception as error:  # noqa: BLE001  a page about trouble must come up in any trouble
            words = " ".join(str(error).split())
            self.problems.append(f"{what}: {words or type(error).__name__}")
            return otherwise


def read(home: Home, limits: Limits = Limits()) -> Overview:
    """Read the home as it stands. Never raises for what it finds there."""
    trouble = Trouble()
    unknown: tuple[str, Mapping[str, str]] = ("", {})
    dataset, questions = trouble.tried("The data set", lambda: asked(home), unknown)
    looks: dict[str, tuple[Look, ...]] = {}
    for task in trouble.tried("The reports", lambda: tasks_of(home, questions), tuple(questions)):
        looks[task], unread = read_looks(home.reports, task, limits.looks)
        trouble.problems += unread
    runs, unread = verb_runs.read(home)
    trouble.problems += unread
    return Overview(
        home=str(home.root),
        read_at=datetime.now(UTC),
        dataset=dataset,
        newest_data=trouble.tried("The event store", lambda: newest(home), None),
        questions=questions,
        looks=looks,
        jobs=trouble.tried("The jobs", lambda: rows.jobs(home, limits.jobs), ()),
        job_counts=trouble.tried("The jobs", lambda: rows.counts(home), ()),
        decisions=trouble.tried("The ledger", lambda: rows.decisions(home, limits.decisions), ()),
        promoted=trouble.tried("The ledger", lambda: rows.promotions(home), {}),
        verbs=runs,
        scheduler=trouble.tried("The scheduler's file", lambda: read_state(home), None),
        problems=tuple(dict.fromkeys(trouble.problems)),
    )


def asked(home: Home) -> tuple[str, Mapping[str, str]]:
    """The data set's title, and what each supported task asks."""
    dataset = home.dataset()
    return dataset.title, {name: task.asked for name, task in supported(dataset).items()}


def tasks_of(home: Home, questions: Mapping[str, str]) -> tuple[str, ...]:
    """Supported tasks, then those that were looked at when they still were."""
    known = [f.name for f in sorted(home.reports.glob("*")) if any(f.glob("*/window.json"))]
    return tuple(dict.fromkeys([*questions, *known]))


def newest(home: Home) -> datetime | None:
    if not home.manifest.exists():
        return None
    return EventStore(home).newest(home.dataset())
