"""The fold boosters of the last stage's best trials, on disk so that nobody fits them twice.

`<study>.kept/<stage>-<slot>/fold-<i>/` holds what `Fitted.save` writes. A folder appears whole,
by a rename. What is there depends on who was best when; that something is missing costs a fit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

from training.boosters import Fitted
from training.search.plan import Found, Plan
from training.search.slots import Key


def keep(plan: Plan, key: Key, fitted: Sequence[Fitted]) -> None:
    """Save a trial's boosters, one folder a fold, in place of those that time cut short."""
    there = folder_of(plan, key)
    unfinished = there.with_name(f"{there.name}.{uuid4().hex[:8]}.unfinished")
    for fold, booster in enumerate(fitted):
        (unfinished / f"fold-{fold}").mkdir(parents=True)
        booster.save(unfinished / f"fold-{fold}")
    shutil.rmtree(there, ignore_errors=True)
    try:
        unfinished.rename(there)
    except OSError:  # a neighbour kept the very same meanwhile
        shutil.rmtree(unfinished)


def folder_of(plan: Plan, key: Key) -> Path:
    return plan.kept / f"{key[0]}-{key[1]}"


def drop_others(plan: Plan, keys: Iterable[Key]) -> None:
    """Leave only these trials' boosters."""
    wanted = {folder_of(plan, key) for key in keys}
    for folder in plan.kept.glob("*"):
        if folder not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


def forget(found: Found) -> None:
    """Drop a search's kept boosters, when its training is done with them."""
    for studies in {folder.parent for folder in found.kept.values()}:
        shutil.rmtree(studies, ignore_errors=True)
