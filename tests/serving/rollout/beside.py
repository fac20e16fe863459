"""A challenger beside a champion, both toys, for tests to ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lifecycle.home import Home
from lifecycle.rollouts import Because, Rollout, Rollouts
from serving.rollout.seen import Seen
from serving.rollout.shadow import Shadow
from serving.rollout.share import takes
from serving.rollout.watching import RolloutWatch
from serving.seat import Beside, Seat, Sitting
from tests.serving.rollout.toy import NOW, Log, Toy, sitting

SHADOW = Rollout(task="churn", stage="shadow", champion=1, challenger=2, since=NOW, number=1)
CANARY = replace(SHADOW, stage="canary", share=30.0)
WHY = Because(actor="ann", why="to see")
PEOPLE = [f"c{n}" for n in range(200)]
IN = {one for one in PEOPLE if takes("churn", 2, 30.0, one)}


def pair(plan: Rollout, old: Toy, new: Toy) -> Sitting:
    beside = Beside(plan=plan, challenger=sitting(2, new), seen=Seen(("yes",)))
    return replace(sitting(1, old), beside=beside)


def seen_of(seat: Sitting) -> dict[str, object]:
    assert seat.beside is not None
    return seat.beside.seen.state()


@contextmanager
def running(seat: Seat, log: Log) -> Iterator[Shadow]:
    shadow = Shadow({"churn": seat})
    shadow.start(log)  # type: ignore[arg-type]
    try:
        yield shadow
    finally:
        shadow.stop()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def watched(home: Home, new: Toy) -> tuple[Seat, RolloutWatch]:
    """A seat with champion 1, and a watch that knows version 2."""
    seat = Seat("churn")
    seat.sitting = sitting(1, Toy(0.1))
    watch = RolloutWatch(Rollouts(home), lambda _task, number: sitting(number, new))
    watch.look_at(seat)
    return seat, watch
