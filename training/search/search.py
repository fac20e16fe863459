"""One Optuna study over both boosters and every balancing choice, run by as many as one likes.

Trial n is a function of the seed, n and the trials well before it (`draw`), so the search comes
out the same with one worker or eight, killed and carried on or not. Outcomes are kept in a
journal in the home, or in a database that machines share (`board`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial

from lifecycle.errors import DataError
from lifecycle.lock import held
from lifecycle.progress import Advance, Progress, silent
from training.folds import Problem
from training.search.board import open_board
from training.search.crew import Crew, called
from training.search.draw import candidate_of, means, outcome
from training.search.hand import Hand, beating, sizes
from training.search.identity import named
from training.search.kept import drop_others, folder_of
from training.search.plan import FINALISTS, Found, Plan
from training.search.slots import (
    Key,
    Order,
    Owners,
    expected,
    is_finished,
    is_over,
    may_begin,
    next_slot,
    of_order,
)
from training.search.stages import LIMITLESS, best_first, spread, takers, until

POLL_SECONDS = 0.02
SHOWN = ("stage", "slot", "error")  # of a trial: not who ran it, and where


def search(
    stages: Sequence[Problem], plan: Plan, progress: Progress = silent, crew: Crew | None = None
) -> Found:
    """Run, or carry on, the study.

    Args:
        stages: the same question on more and more rows, all of them in the last; one is enough.
        plan: what to search, where it is kept, for how long and by how many.
        progress: shows trials and the best score so far.
        crew: the plan's workers, called earlier; None: they are called now.

    Raises:
        DataError: no trial could be completed.
        Busy: another process of this home runs this very study.
        UsageError, NotReady: the storage cannot be had.
    """
    plan = named(plan, stages)
    plan.folder.mkdir(parents=True, exist_ok=True)
    with held(plan.folder / f"{plan.name}.held", "This very search"):
        began = time.time()
        board = open_board(plan)
        hand = Hand(plan=plan, stages=stages, board=board)
        title = f"search {plan.name.split('-', maxsplit=1)[0]}"
        folder = plan.folder / f"{plan.name}.crew"
        with (
            progress(title, in_all(plan, len(stages))) as advance,
            nullcontext(crew) if crew else called(plan.workers, plan.trials) as mates,
            mates.at_work(plan, stages, board.name, folder),
            beating(hand),
        ):
            leader = Leader(hand=hand, began=began, advance=advance)
            try:
                orders = leader.lead()
            finally:
                board.announce(None)
        return conclude(orders, board.look(began), plan, time.time() - began)


def in_all(plan: Plan, stages: int) -> int | None:
    """How many trials there will be; None where time decides."""
    if plan.trials is None:
        return None
    return plan.trials + sum(min(plan.trials, takers(stage)) for stage in range(1, stages))


@dataclass(kw_only=True)
class Leader:
    """Says what is to be done now, and does its own share of it."""

    hand: Hand
    began: float
    advance: Advance
    shown: int = 0

    @property
    def ends(self) -> float | None:
        """When the search should end."""
        seconds = self.hand.plan.seconds
        return None if seconds is None else self.began + seconds

    def lead(self) -> list[Order]:
        """Run stage after stage; the orders that were worked off."""
        plan, last = self.hand.plan, len(self.hand.stages) - 1
        slots = range(LIMITLESS if plan.trials is None else plan.trials)
        orders = [Order(stage=0, slots=slots, until=self.until(0), began=self.began)]
        ranking = self.run(orders[0])
        for stage in range(1, last + 1):
            chosen = tuple(t.user_attrs["slot"] for t in spread(ranking, takers(stage)))
            order = Order(stage=stage, slots=chosen, until=self.until(stage), began=self.began)
            if chosen and (stage == last or self.fits(order)):
                orders.append(order)
                ranking = self.run(order) or ranking
        return orders

    def until(self, stage: int) -> float | None:
        if self.ends is None:
            return None
        rows = sizes(self.hand.stages)
        return until(stage, rows, now=time.time(), began=self.began, ends=self.ends)

    def fits(self, order: Order) -> bool:
        """Whether the best candidate can be tried in time; the last stage is never left out."""
        if order.until is None:
            return True
        has = self.hand.board.look(self.began)
        seconds = expected(order, order.slots[0], has, sizes(self.hand.stages))
        return time.time() + seconds <= order.until

    def run(self, order: Order) -> list[FrozenTrial]:
        """Work until the order is done or its time is over; its trials, best first."""
        board = self.hand.board
        board.announce(order)
        self.shown = 0
        while not self.is_done(order):
            if not self.hand.once(order):
                time.sleep(POLL_SECONDS)
        return best_first(of_order(order, board.look(self.began)), self.hand.plan)

    def is_done(self, order: Order) -> bool:
        has, now = self.hand.board.look(self.began), time.time()
        trials = of_order(order, has)
        self.show(trials)
        if is_over(order, has, now):
            return True
        if order.until is None or not all(map(is_finished, trials)):
            return False
        slot = next_slot(order, has)
        seconds = 0.0 if slot is None else expected(order, slot, has, sizes(self.hand.stages))
        return slot is None or not may_begin(order, has, seconds, now)

    def show(self, trials: Sequence[FrozenTrial]) -> None:
        """Bring the bar up to what is finished, whoever finished it."""
        finished = sum(map(is_finished, trials))
        if finished > self.shown:
            best = best_first(trials, self.hand.plan)
            self.advance(finished - self.shown, f"best {best[0].value:.4f}" if best else "")
            self.shown = finished


def conclude(orders: Sequence[Order], has: Owners, plan: Plan, seconds: float) -> Found:
    """The best of the last stage; the earliest first among equals.

    Only what was ordered: trials beyond, of a longer search of earlier, must not decide. The
    same plan is the same choice, whatever the study holds beside it.
    """
    trials = [t for order in orders for t in of_order(order, has) if is_finished(t)]
    ranked = spread(best_first(of_order(orders[-1], has), plan), FINALISTS)
    if not ranked:
        raise nothing_found(trials, plan)
    keys = [(orders[-1].stage, int(trial.user_attrs["slot"])) for trial in ranked]
    drop_others(plan, keys)
    states = Counter(trial.state.name.lower() for trial in trials)
    return Found(
        ranked=tuple(candidate_of(trial, plan.search) for trial in ranked),
        scores=tuple(float(trial.value or 0.0) for trial in ranked),
        value=float(ranked[0].value or 0.0),
        trials=tuple(numbered(trial, number) for number, trial in enumerate(trials)),
        kept=kept_of(keys, plan),
        seconds=seconds,
        counts=dict(sorted(states.items())),
    )


def kept_of(keys: Sequence[Key], plan: Plan) -> dict[int, Path]:
    """Place → folder of kept boosters, where there is one."""
    folders = {place: folder_of(plan, key) for place, key in enumerate(keys)}
    return {place: folder for place, folder in folders.items() if folder.exists()}


def numbered(trial: FrozenTrial, number: int) -> FrozenTrial:
    """A copy that says what came out, and not by whom."""
    shown = copy(trial)
    shown.number = number
    said = {k: trial.user_attrs[k] for k in SHOWN if k in trial.user_attrs}
    shown.user_attrs = {**said, **outcome(trial)}
    shown.intermediate_values = dict(enumerate(means(outcome(trial).get("scores", ()))))
    return shown


def nothing_found(trials: Sequence[FrozenTrial], plan: Plan) -> DataError:
    errors = {str(trial.user_attrs.get("error", "")) for trial in trials} - {""}
    return DataError(
        f"No trial of the search {plan.name} gave a number.",
        found=f"{len(trials)} trials; {'; '.join(sorted(errors)) or 'none was completed'}.",
        do="Check the task's metric and search spaces.",
    )
