"""The shared board: workers take slots from it and write outcomes onto it.

A slot is a trial of the study. A worker that begins one writes it down as running, with its
values and its own name; of two that begin the same slot the lower number has it and the other
steps back. A running trial whose worker died is given up and its slot is free again. Outcomes
are never touched once they are written.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import BaseTrial, FrozenTrial, TrialState, create_trial

from lifecycle.errors import NotReady
from lifecycle.worker import alive, me
from training.search.draw import OUTCOME, direction
from training.search.plan import Plan
from training.search.slots import CUT, Key, Order, owners
from training.search.storage import open_storage

UNHEARD_SECONDS = 600.0  # after which a worker that cannot be seen is taken for dead
DEATHS = 3  # a slot whose workers die so often has failed
ORDER = "order "  # before the name of the search that gives it


@dataclass(kw_only=True)
class Board:
    """One study's trials, as one worker sees and changes them."""

    storage: BaseStorage
    study: int
    name: str = field(default_factory=me)
    clock: Callable[[], float] = time.monotonic
    heard: dict[int, tuple[int, float]] = field(default_factory=dict)

    def look(self, began: float = 0.0) -> dict[Key, FrozenTrial]:
        """Every slot that somebody has, after the dead were given up.

        Args:
            began: when the search did that looks; see `owners`.
        """
        trials = self.storage.get_all_trials(self.study, deepcopy=False)
        gone = [t for t in trials if t.state == TrialState.RUNNING and self.is_gone(t)]
        for trial in gone:
            self.bury(trial, trials)
        if gone:
            trials = self.storage.get_all_trials(self.study, deepcopy=False)
        return owners(trials, began)

    def is_gone(self, trial: FrozenTrial) -> bool:
        """Whether a running trial's worker is dead, or was not heard of for too long."""
        attributes = trial.user_attrs
        lives = alive(attributes["worker"]) if "worker" in attributes else None
        if lives is not None:
            return not lives
        # by our own clock: those of two machines differ
        now, beat = self.clock(), int(attributes.get("beat", 0))
        last, since = self.heard.setdefault(trial.number, (beat, now))
        if last != beat:
            self.heard[trial.number] = (beat, now)
            return False
        return now - since > UNHEARD_SECONDS

    def bury(self, trial: FrozenTrial, trials: Iterable[FrozenTrial]) -> None:
        """Free a dead worker's slot; one that kills whoever takes it has failed."""
        key = slot_of(trial)
        deaths = Counter(slot_of(t) for t in trials if t.user_attrs.get("lost") == "died")
        if deaths[key] + 1 >= DEATHS:
            self.fail(trial._trial_id, f"its process died {DEATHS} times")  # noqa: SLF001  Optuna's storages take ids, which no public name gives
        else:
            self.give_up(trial._trial_id, "died")  # noqa: SLF001  as above

    def take(
        self, stage: int, slot: int, drawn: BaseTrial | FrozenTrial, began: float = 0.0
    ) -> int | None:
        """Write down that we begin a slot; its trial's id, or None when another was first."""
        template = create_trial(
            state=TrialState.RUNNING,
            params=drawn.params,
            distributions=drawn.distributions,
            user_attrs={"stage": stage, "slot": slot, "worker": self.name},
        )
        ours = self.storage.create_new_trial(self.study, template)
        trials = self.storage.get_all_trials(self.study, deepcopy=False)
        if owners(trials, began)[stage, slot]._trial_id == ours:  # noqa: SLF001  as above
            return ours
        self.give_up(ours, "another was first")
        return None

    def end(
        self, trial: int, value: float, outcome: Mapping[str, Any], *,
        pruned: bool, cut: float | None = None,
    ) -> bool:  # fmt: skip
        """Write an outcome; False when the trial was given up meanwhile, which loses nothing.

        Args:
            trial: its id.
            value: the mean over its folds.
            outcome: what came of each fold.
            pruned: whether it was ended before its last fold.
            cut: where time may have cut its fits short, when the search began; else None.
        """
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        notes = {OUTCOME: outcome} if cut is None else {OUTCOME: outcome, CUT: cut}
        return self.close(trial, state, notes, [value])

    def fail(self, trial: int, error: str) -> None:
        """An outcome too: it would fail again."""
        self.close(trial, TrialState.FAIL, {"error": error[:500]})

    def give_up(self, trial: int, why: str) -> None:
        """No outcome: the slot is free again."""
        self.close(trial, TrialState.FAIL, {"lost": why})

    def close(
        self,
        trial: int,
        state: TrialState,
        notes: Mapping[str, Any],
        values: list[float] | None = None,
    ) -> bool:
        """Notes first: whoever sees the state sees them."""
        try:
            for key, note in notes.items():
                self.storage.set_trial_user_attr(trial, key, note)
            self.storage.set_trial_state_values(trial, state, values)
        except UpdateFinishedTrialError:
            return False
        return True

    def beat(self, trial: int, count: int) -> None:
        """Say that a long trial's worker lives."""
        try:
            self.storage.set_trial_user_attr(trial, "beat", count)
        except UpdateFinishedTrialError:
            return

    def announce(self, order: Order | None) -> None:
        """Say what this search wants done now; None: nothing more."""
        said = None if order is None else {
            "stage": order.stage, "until": order.until, "began": order.began,
            "slots": len(order.slots) if order.stage == 0 else list(order.slots),
        }  # fmt: skip
        self.storage.set_study_user_attr(self.study, f"{ORDER}{self.name}", json.dumps(said))

    def orders(self) -> dict[str, Order]:
        """Worker → what its search wants done, of those that may still live."""
        found = {}
        for key, said in self.storage.get_study_user_attrs(self.study).items():
            leader = key.removeprefix(ORDER)
            if leader == key or json.loads(said) is None or alive(leader) is False:
                continue
            found[leader] = read_order(json.loads(said))
        return found


def read_order(said: Mapping[str, Any]) -> Order:
    slots = said["slots"]
    return Order(
        stage=said["stage"], until=said["until"], began=said["began"],
        slots=range(slots) if isinstance(slots, int) else tuple(slots),
    )  # fmt: skip


def slot_of(trial: FrozenTrial) -> Key:
    """Where a trial belongs; nowhere, if it is none of ours."""
    return trial.user_attrs.get("stage", -1), trial.user_attrs.get("slot", -1)


def open_board(plan: Plan) -> Board:
    """The plan's study, made when new.

    Raises:
        UsageError, NotReady: the storage cannot be had; see `open_storage`.
    """
    storage = open_storage(plan)
    study = optuna.create_study(
        storage=storage, study_name=plan.name, direction=direction(plan), load_if_exists=True
    )
    return Board(storage=storage, study=study._study_id)  # noqa: SLF001  as above


def find_board(plan: Plan) -> Board:
    """The plan's study, where there is one.

    Raises:
        NotReady: there is none of this name.
        UsageError: the storage cannot be had; see `open_storage`.
    """
    if plan.storage is None:  # a journal a study: opening one would make it
        names = {journal.stem for journal in plan.folder.glob("*.log")}
    else:
        names = {study.study_name for study in open_storage(plan).get_all_studies()}
    if plan.name not in names:
        task = plan.name.split("-", maxsplit=1)[0]
        others = sorted(name for name in names if name.startswith(f"{task}-"))
        raise NotReady(
            f"No search {plan.name} is kept there.",
            found=f"Of this task: {', '.join(others[-3:]) or 'none'}.",
            do="A search is joined with the same data, --as-of, --seed, code and libraries: its "
            "name holds them.",
        )  # fmt: skip
    return open_board(plan)
