"""A retrain job that is killed at a step and run again: what the kill left, and what came of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from datetime import UTC, datetime

from lifecycle.errors import Busy
from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.lock import held
from lifecycle.moves import Moves
from lifecycle.registry import Registry
from onramp.retrain import JOB_TAG
from tests.training.promotion.doomed import Doomed, Order
from tests.training.promotion.toy_job import PREPARED
from tests.training.promotion.world import decisions

KILLED = [-signal.SIGKILL]
OF_THE_JOB = (
    "the job is claimed", "the training begins", "the training is under way",
    "the version is registered", "the gate has spoken",
)  # fmt: skip
OF_A_PROMOTION = (
    "the promoting begins", "the move is written down", "previous moves", "champion moves",
    "it is told", "the move is done", "the row is written and not committed",
    "the row is committed", "the job is closed",
)  # fmt: skip
OF_A_REFUSAL = (
    "the row is written and not committed", "the verdict is committed", "the job is closed",
)  # fmt: skip
STEPS = [
    *(("promoted", step) for step in (*OF_THE_JOB, *OF_A_PROMOTION)),
    *(("refused", step) for step in OF_A_REFUSAL),
    ("awaiting approval", "the job waits"),
]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A home, as whoever comes next finds it.

    Attributes:
        state: of the job.
        attempts: how often it was claimed.
        versions: that it registered.
        prepared: how often features were brought up to date for it.
        moves: states of the changes of champion, oldest first.
        champion: who serves.
    """

    state: str
    attempts: int
    versions: tuple[int, ...]
    prepared: int
    moves: tuple[str, ...]
    champion: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """One kill.

    Attributes:
        left: as the kill left it.
        ended: after the next run.
        said: what that run said of it.
        promotions: rows of the ledger that made the job's version champion.
        held: locks that somebody still holds.
    """

    job: str
    left: Seen
    ended: Seen
    said: str
    promotions: int
    held: tuple[str, ...]


def request(home: Home) -> str:
    now = datetime.now(UTC)
    return Jobs(home).request("churn", why="decay", by="monitor", as_of=now, trigger="decay")[0].id


def work(home: Home, actor: str = "worker", step: str = "", outcome: str = "promoted") -> Order:
    return Order(root=str(home.root), verb="retrain", actor=actor, step=step, outcome=outcome)


def trained(home: Home, job: str) -> tuple[int, ...]:
    """The versions that the job registered."""
    versions = Registry(home).versions("churn")
    return tuple(version.number for version in versions if version.tags.get(JOB_TAG) == job)


def seen(home: Home, job: str) -> Seen:
    now = Jobs(home).named(job)
    with Moves(home).opened() as db:
        moves = tuple(row["state"] for row in db.execute("SELECT state FROM moves ORDER BY number"))
    lines = home.root / PREPARED
    return Seen(
        state=now.state, attempts=now.attempts, versions=trained(home, job), moves=moves,
        prepared=lines.read_text().count("\n") if lines.exists() else 0,
        champion=Registry(home).aliases("churn")["champion"],
    )  # fmt: skip


def orphans(home: Home) -> tuple[str, ...]:
    """The locks of the home that somebody holds; there are some to look at."""
    found = []
    paths = sorted(home.locks.glob("*.held"))
    assert paths
    for path in paths:
        try:
            with held(path, "Looking whether anybody holds it"):
                continue
        except Busy:
            found.append(path.name)
    return tuple(found)


def killed(home: Home, doomed: Doomed, outcome: str, step: str) -> Told:
    """Kill the worker of a new job at the step, run another to its end, and look."""
    job = request(home)
    assert doomed.run(work(home, "doomed", step, outcome)) == KILLED
    left = seen(home, job)
    assert doomed.run(work(home, "next", outcome=outcome)) == [0]
    ended = seen(home, job)
    made = {str(number) for number in ended.versions}
    return Told(
        job=job, left=left, ended=ended, said=(home.root / "next.txt").read_text(),
        promotions=sum(row[0] == "promote" and row[2] in made for row in decisions(home)),
        held=orphans(home),
    )  # fmt: skip
