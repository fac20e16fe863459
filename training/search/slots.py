"""Which slot is next, and may it still begin: pure answers from the trials that a study holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from training.search.draw import known

Key = tuple[int, int]  # stage, slot
Owners = Mapping[Key, FrozenTrial]

ENOUGH = 0.6  # of its time: a fit on a large stage that is cut short by less is still good
CUT = "cut"  # note of an outcome whose fits time cut short: when the search of that time began
TRIES = 3  # failed trials after which a search that is out of time ends without a number


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a search wants done now.

    Attributes:
        slots: in the order in which to begin them.
        until: seconds since the epoch; None: no limit.
        began: when its search did, in seconds since the epoch.
    """

    stage: int
    slots: Sequence[int]
    until: float | None = None
    began: float = 0.0


def owners(trials: Iterable[FrozenTrial], began: float = 0.0) -> dict[Key, FrozenTrial]:
    """Slot → the trial that has it: of those that were not lost, the one with the lowest number.

    What time cut short counts in the search whose time that was: one that began later does it
    again. Every storage numbers trials one after the other, so two workers that begin the same slot
    at once both see which of them has it, whatever the storage does about locking.
    """
    found: dict[Key, FrozenTrial] = {}
    for trial in sorted(trials, key=lambda t: t.number):
        late = trial.user_attrs.get(CUT, began) < began
        if "slot" in trial.user_attrs and not lost(trial) and not late:
            found.setdefault((trial.user_attrs["stage"], trial.user_attrs["slot"]), trial)
    return found


def lost(trial: FrozenTrial) -> bool:
    """Given up without an outcome: its worker died, or time was over."""
    return trial.state == TrialState.FAIL and "error" not in trial.user_attrs


def is_finished(trial: FrozenTrial | None) -> bool:
    return trial is not None and trial.state.is_finished()


def usable(trial: FrozenTrial | None) -> bool:
    """Whether a trial has a number to compare by."""
    return trial is not None and trial.state == TrialState.COMPLETE


def of_order(order: Order, has: Owners) -> list[FrozenTrial]:
    """The trials of the order's slots, by slot."""
    wanted = order.slots
    return [has[key] for key in sorted(has) if key[0] == order.stage and key[1] in wanted]


def next_slot(order: Order, has: Owners) -> int | None:
    """The first slot that nobody has; on the first stage, one whose forerunners are finished."""
    if order.stage > 0:
        return next((slot for slot in order.slots if (order.stage, slot) not in has), None)
    slots = iter(order.slots)
    unfinished = next((s for s in slots if not is_finished(has.get((0, s)))), None)
    if unfinished is None:
        return None
    for slot in range(unfinished, len(order.slots)):
        if known(slot) > unfinished:
            return None
        if (0, slot) not in has:
            return slot
    return None


def earlier(slot: int, has: Owners) -> list[FrozenTrial]:
    """The outcomes that a slot of the first stage may know of."""
    return [has[0, i] for i in range(known(slot))]


def may_begin(order: Order, has: Owners, seconds: float, now: float) -> bool:
    """Whether what takes so many seconds ends in time, or must be done in any case.

    Whatever the time, each stage that was opened comes to one number.
    """
    needed = seconds * ENOUGH if order.stage > 0 else seconds
    if order.until is None or now + needed <= order.until:
        return True
    trials = of_order(order, has)
    if any(usable(t) or not is_finished(t) for t in trials):
        return False
    return len(trials) < TRIES


def may_go_on(order: Order, has: Owners, seconds: float, now: float) -> bool:
    """Whether a trial that was begun may begin its next fold."""
    if order.until is None or now + seconds <= order.until:
        return True
    return not any(usable(t) for t in of_order(order, has))


def is_over(order: Order, has: Owners, now: float) -> bool:
    """Whether the stage is at its end: everything finished, or time over with a number."""
    trials = of_order(order, has)
    done = [t for t in trials if is_finished(t)]
    if len(done) == len(order.slots):
        return True
    if order.until is None or now < order.until:
        return False
    return any(map(usable, done)) or (len(done) == len(trials) and len(done) >= TRIES)


def took(trial: FrozenTrial) -> float:
    """Seconds from a trial's beginning to its end."""
    duration: timedelta | None = trial.duration
    return 0.0 if duration is None else duration.total_seconds()


def expected(order: Order, slot: int, has: Owners, sizes: Sequence[float]) -> float:
    """Seconds that a slot will take: as others of its stage did.

    Before any did: as long as it took on the stage before, by the sizes of the two.

    Args:
        order: of the stage.
        slot: about to begin.
        has: the trials so far.
        sizes: rows to fit on over all folds, by stage.
    """
    done = [took(t) for t in of_order(order, has) if is_finished(t)]
    if done:
        return float(np.mean(done))
    before = has.get((order.stage - 1, slot)) or has.get((0, slot))
    if order.stage == 0 or before is None:
        return 0.0
    grown = sizes[order.stage] / sizes[int(before.user_attrs["stage"])]
    return took(before) * grown
