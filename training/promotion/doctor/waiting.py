"""Whether what waits for a person is there, and each version's page says what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lifecycle.home import Home
from lifecycle.ledger import Ledger
from lifecycle.moves import Moves
from lifecycle.registry import Registry
from training.promotion.approval import withdraw
from training.promotion.awaiting import TAG, WORDS, awaiting, retag, tag_of
from training.promotion.doctor.finding import Ailment, Finding

ACTOR = "onramp doctor"
GONE = "It is not there any more."


def check_waiting(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:
    """Versions that await approval and were deleted: their jobs would keep the task from others."""
    if Moves(home).open(task) is not None:
        return  # settling it ends the waiting
    there = {version.number for version in registry.versions(task)}
    champion = registry.aliases(task).get("champion")
    for number, row in awaiting(home, task).items():
        if number not in there:
            yield Ailment(
                finding=Finding(
                    check="waiting version",
                    task=task,
                    version=number,
                    what=f"Version {number} of {task} awaits approval and is not there.",
                    found=f"Row {row.number} of the ledger asks for it ({row.actor}).",
                    do=f"Restore the version from a backup of MLflow, or run `onramp reject {task} "
                    f"--version {number} --because …`.",
                    mend="reject it, which ends the retrain job that waits for it",
                ),
                cure=partial(withdraw, home, row, champion, actor=ACTOR, because=GONE),
            )


def check_tags(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:
    """Tags that a process which was killed, or a locked database, left as they were."""
    if Moves(home).open(task) is not None:
        return
    last = Ledger(home).last(task, WORDS)
    for version in registry.versions(task):
        tag = version.tags.get(TAG, "")
        said = tag_of(last.get(str(version.number)), tag)
        if said != tag:
            yield Ailment(
                finding=Finding(
                    check="approval tag",
                    task=task,
                    version=version.number,
                    what=f"The tag {TAG} of version {version.number} of {task} is not what the "
                    "ledger says.",
                    found=f"It says {tag!r}, the ledger {said!r}.",
                    do="The ledger is right.",
                    mend="write the tag anew",
                ),
                cure=partial(retag, home, task, version.number),
            )
