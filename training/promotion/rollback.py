"""Puts an earlier version back in the champion's place: nothing is trained, nothing is judged.

What the gate would say is not asked: somebody has seen the champion do harm. That the target can
be served is: it must load and repeat its recorded predictions before an alias moves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from lifecycle import repeats
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from lifecycle.webhook import deliver
from training.promotion.move import Decided, alone, move
from training.promotion.standing import standing

DECISION = "roll back"


@dataclass(frozen=True, kw_only=True)
class RollbackReport:
    """What came of a rollback.

    Attributes:
        changed: whether an alias moved; none does when the target is champion already.
        version: who serves now.
        previous: who served before; None: a champion that is lost, or nothing moved.
        seconds: the aliases took to move.
        check_seconds: it took to load the target and to compare its recorded predictions.
        row: of the ledger; None where nothing moved.
        notes: what else happened: an earlier kill settled, a webhook that waits.
    """

    task: str
    changed: bool
    version: int
    previous: int | None
    seconds: float = 0.0
    check_seconds: float = 0.0
    row: int | None = None
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        left = f"version {self.previous}" if self.previous else "a champion that is lost"
        words = (
            f"rolled back from {left} to version {self.version}; the aliases "
            f"moved in {self.seconds:.2f} s, after {self.check_seconds:.1f} s of checks"
            if self.changed
            else f"version {self.version} is the champion already: nothing to do"
        )
        return [f"{self.task}: {words}", *(f"  note: {note}" for note in self.notes if note)]


def rollback(
    home: Home, task: str, *, to: int | None = None, actor: str, because: str = ""
) -> RollbackReport:
    """Make an earlier version the champion again.

    Args:
        home: where everything lives.
        task: its name.
        to: the version's number; None: the one before the champion (`previous`), so that a
            second rollback takes the first one back.
        actor: who is recorded in the ledger.
        because: why.

    A champion that is lost is what a rollback is for: deleted, or an alias that names nothing.

    Raises:
        NotReady: there never was a champion, or there is nothing to roll back to.
        UnknownName: there is no such version.
        DataError: the target no longer loads, or does not repeat its recorded predictions.
        Busy: another change of the task's champion takes longer than a minute.
    """
    with alone(home, task) as left:
        notes = [left.words] if left else []
        registry = Registry(home)
        against = standing(home, registry, task)
        champion = None if against.lost else against.champion or registry.champion(task)
        target = find(registry, task, champion, to)
        if target.number == against.number:
            return RollbackReport(
                task=task, changed=False, version=target.number, previous=None, notes=tuple(notes)
            )
        started = time.perf_counter()
        repeats.load(registry, target)
        checked = time.perf_counter() - started
        why = because or f"back to version {target.number}"
        moved = move(home, target, Decided(decision=DECISION, actor=actor, why=why))
    notes += [problem for problem in (moved.problem, deliver(home)) if problem]
    return RollbackReport(
        task=task, changed=True, version=target.number, previous=moved.previous,
        seconds=moved.seconds, check_seconds=checked, row=moved.row, notes=tuple(notes),
    )  # fmt: skip


def find(registry: Registry, task: str, champion: Version | None, to: int | None) -> Version:
    """The version to go back to.

    Raises:
        NotReady: none was named and nothing is `previous`.
        UnknownName: there is none of that number.
    """
    if to is not None:
        return registry.version(task, to)
    found = registry.holder(task, "previous")
    if found is None:
        others = [v.number for v in registry.versions(task) if v != champion]
        first = (
            f"Version {champion.number} is its first champion"
            if champion
            else "The champion that is lost was its first"
        )
        raise NotReady(
            f"Nothing to roll back {task} to.",
            found=f"{first}, or the one before is gone.",
            do=f"Name a version with --to; there are {', '.join(map(str, others))}."
            if others
            else f"Run `onramp train {task}`.",
        )
    return found
