"""A process that changes champions and is killed by `kill -9` at a named step.

It imports once and forks for each order, so that a kill costs a second and not an import. Orders
come as lines of JSON on standard input; the answer to each is what its processes ended with.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to do in the home at `root`, and before which step it dies."""

    root: str
    verb: str
    version: int | None = None
    actor: str = "tester"
    step: str = ""
    outcome: str = "promoted"


class Doomed:
    """The parent's side."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *orders: Order) -> list[int]:
        """Start all of them at once; how each ended: 0, or minus the signal that killed it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([vars(order) for order in orders]) + "\n")
        self.process.stdin.flush()
        return [int(code) for code in json.loads(self.process.stdout.readline())]

    def close(self) -> None:
        """End it, once it has nothing to do."""
        with self.process:
            self.process.communicate(timeout=60)
        assert self.process.returncode == 0


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Die where `owner.name` would be called."""
    real = getattr(owner, name)

    def doomed(*given: Any, **named: Any) -> Any:
        if when(*given):
            die()
        return real(*given, **named)

    setattr(owner, name, doomed)


def after(owner: Any, name: str) -> None:
    """Die where `owner.name` has been called."""
    real = getattr(owner, name)

    def doomed(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        die()

    setattr(owner, name, doomed)


def arm(step: str) -> None:
    """Let this process die at the step."""
    from lifecycle import jobs  # noqa: PLC0415
    from lifecycle.jobs import Jobs  # noqa: PLC0415
    from lifecycle.moves import Moves  # noqa: PLC0415
    from lifecycle.registry import Registry  # noqa: PLC0415
    from tests.training.promotion import toy_job  # noqa: PLC0415
    from training.promotion import approval, move, promote  # noqa: PLC0415

    steps: Mapping[str, Callable[[], None]] = {
        "the verdict": lambda: before(Registry, "tag"),
        "the move is written down": lambda: before(Moves, "begin"),
        "previous moves": lambda: before(Registry, "point", lambda *it: it[1] == "previous"),
        "champion moves": lambda: before(Registry, "point", lambda *it: it[1] == "champion"),
        "the challenger goes": lambda: before(Registry, "drop"),
        "it is told": lambda: before(move, "write_down"),
        "the move is done": lambda: before(Moves, "done"),
        "the move is undone": lambda: before(Moves, "undone"),
        # in the transaction, after the ledger row
        "the row is written and not committed": lambda: before(jobs, "decided"),
        "the row is committed": lambda: after(Moves, "done"),
        "the rejection is committed": lambda: after(approval, "record"),
        "the tag": lambda: before(Registry, "tag"),
        "the job is claimed": lambda: after(Jobs, "claim"),
        "the training begins": lambda: before(Jobs, "advance", lambda *it: it[2] == "training"),
        "the version is registered": lambda: after(toy_job, "learn"),
        "the training is under way": lambda: after(Jobs, "advance"),
        "the gate has spoken": lambda: before(promote, "conclude"),
        "the promoting begins": lambda: before(Jobs, "advance", lambda *it: it[2] == "promoting"),
        "the verdict is committed": lambda: after(promote, "record"),
        "the job waits": lambda: before(Jobs, "wait"),
        "the job is closed": lambda: before(Jobs, "end"),
    }  # fmt: skip
    if step:
        steps[step]()


def obey(order: Order) -> None:
    """Do it."""
    from lifecycle.home import open_home  # noqa: PLC0415
    from lifecycle.registry import Registry  # noqa: PLC0415
    from tests.training.promotion.world import FRAME, TASK, TODAY  # noqa: PLC0415
    from training.promotion.approval import approve_by, reject  # noqa: PLC0415
    from training.promotion.move import Decided, settle  # noqa: PLC0415
    from training.promotion.promote import promote_on  # noqa: PLC0415
    from training.promotion.rollback import rollback  # noqa: PLC0415

    home = open_home(Path(order.root))
    arm(order.step)
    if order.verb == "retrain":
        from tests.training.promotion import toy_job  # noqa: PLC0415

        (home.root / f"{order.actor}.txt").write_text(toy_job.run(home, order.outcome))
        return
    if order.verb == "settle":
        settle(home, Registry(home), "churn")
        return
    if order.verb == "promote":
        report: Any = promote_on(
            home, TASK, lambda: FRAME, version=order.version, actor=order.actor
        )
    elif order.verb == "approve":
        said = Decided(decision="approve", actor=order.actor, why="fine")
        report = approve_by(
            home, replace(TASK, approval="required"), TODAY, version=order.version, said=said
        )
    elif order.verb == "reject":
        reject(home, "churn", version=order.version, actor=order.actor, because="no")
        return
    else:
        report = rollback(home, "churn", to=order.version, actor=order.actor)
    (home.root / f"{order.actor}.json").write_text(
        json.dumps({"changed": report.changed, "lines": report.lines()})
    )


def child(order: Order) -> None:
    """Never returns."""
    code = 1
    try:
        obey(order)
        code = 0
    except BaseException:  # noqa: BLE001  the forked process must not run on as the parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(lines: Sequence[str]) -> None:
    """Import everything, then fork for each order."""
    sys.path.insert(0, str(ROOT))
    import mlflow.pyfunc  # noqa: F401, PLC0415

    import tests.training.promotion.toy_job  # noqa: F401, PLC0415
    import training.promotion.approval  # noqa: PLC0415
    import training.promotion.rollback  # noqa: F401, PLC0415
    from lifecycle.home import open_home  # noqa: PLC0415
    from tests.training.promotion.world import call  # noqa: PLC0415

    for line in lines:
        orders = [Order(**given) for given in json.loads(line)]
        call(open_home(Path(orders[0].root)))
        started = []
        for order in orders:
            pid = os.fork()
            if pid == 0:
                child(order)
            started.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in started]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.stdin)  # type: ignore[arg-type]  # read line by line, as they come
