"""One worker's hands: take a slot, evaluate it, write its outcome; again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import lightgbm as lgb
import numpy as np
import optuna
import xgboost as xgb
from optuna.trial import FixedTrial

from lifecycle.metrics import HIGHER_IS_BETTER
from training.boosters import Fitted
from training.folds import MOST_BYTES, FoldCache, Problem
from training.search.board import Board
from training.search.draw import Proposer, draw
from training.search.kept import keep
from training.search.plan import FINALISTS, Candidate, Plan
from training.search.scoring import fit_fold, score_fold
from training.search.slots import (
    Order,
    Owners,
    earlier,
    expected,
    may_begin,
    may_go_on,
    next_slot,
    usable,
)
from training.search.warm import warm_starts

BEAT_SECONDS = 60.0
TRIAL_ERRORS = (xgb.core.XGBoostError, lgb.basic.LightGBMError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A slot that we have, and what it drew.

    Attributes:
        trial: its id on the board.
        judge: says when to prune; None where nothing is pruned.
        seconds: that it should take.
    """

    trial: int
    order: Order
    slot: int
    candidate: Candidate
    judge: optuna.Trial | None
    seconds: float


@dataclass(kw_only=True)
class Hand:
    """Works on one study; keeps the folds of the stage that it works on."""

    plan: Plan
    stages: Sequence[Problem]
    board: Board
    holds: int | None = None
    cache: tuple[int, FoldCache] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        warm = warm_starts(self.plan.search, rows=len(self.stages[-1].labels))
        self.proposer = Proposer(self.plan, warm)

    def once(self, order: Order) -> bool:
        """Do one slot of the order; False when there is none to begin."""
        job = self.begin(order)
        if job is None:
            return False
        self.do(job)
        return True

    def begin(self, order: Order) -> Job | None:
        """Take the next slot; None when there is none, or no time for it."""
        while True:
            has = self.board.look(order.began)
            slot = next_slot(order, has)
            if slot is None:
                return None
            seconds = expected(order, slot, has, sizes(self.stages))
            if not may_begin(order, has, seconds, time.time()):
                return None
            job = self.take(order, slot, has, seconds)
            if job is not None:  # else a neighbour was first, and the next one may be free
                return job

    def take(self, order: Order, slot: int, has: Owners, seconds: float) -> Job | None:
        """Draw the slot, or on a later stage take it over, and write down that it is ours."""
        judge = None
        if order.stage == 0:
            judge = self.proposer.propose(slot, earlier(slot, has))
        drawn = has[0, slot] if judge is None else judge
        trial = self.board.take(order.stage, slot, drawn, order.began)
        if trial is None:
            return None
        candidate = draw(FixedTrial(drawn.params), self.plan.search)
        return Job(
            trial=trial, order=order, slot=slot, candidate=candidate, judge=judge, seconds=seconds
        )

    def do(self, job: Job) -> None:
        """Evaluate; whatever a booster or a lack of memory does ends this trial only."""
        self.holds = job.trial
        try:
            self.evaluate(job)
        except TRIAL_ERRORS as error:
            self.board.fail(job.trial, str(error) or type(error).__name__)
        except BaseException:
            self.board.give_up(job.trial, "interrupted")
            raise
        finally:
            self.holds = None

    def evaluate(self, job: Job) -> None:
        """Fit and score fold by fold, until the last or until it is pruned."""
        cache = self.folds_of(job.order.stage)
        count = len(cache.problem.folds)
        scores: list[float] = []
        boosters: list[Fitted] = []
        pruned = False
        while len(scores) < count and not pruned:
            fold = len(scores)
            if fold and not self.goes_on(job, count):
                self.board.give_up(job.trial, "out of time")
                return
            boosters.append(fit_fold(job.candidate, cache, fold, cut_off(job.order)))
            scores.append(score_fold(boosters[-1], self.plan, cache.problem, fold))
            mean = float(np.mean(scores))
            if not np.isfinite(mean):
                self.board.fail(job.trial, f"{self.plan.metric} came out as {mean}")
                return
            pruned = len(scores) < count and prunes(job.judge, fold, mean)
        outcome = {"scores": scores, "rounds": [fitted.rounds for fitted in boosters]}
        limit = cut_off(job.order)
        cut = None if limit is None or time.time() < limit else job.order.began
        if self.board.end(job.trial, mean, outcome, pruned=pruned, cut=cut) and not pruned:
            self.keep_if_good(job, mean, boosters)

    def goes_on(self, job: Job, folds: int) -> bool:
        """Whether there is time for one more fold. Without a limit nobody has to look."""
        if job.order.until is None:
            return True
        has = self.board.look(job.order.began)
        return may_go_on(job.order, has, job.seconds / folds, time.time())

    def keep_if_good(self, job: Job, value: float, boosters: Sequence[Fitted]) -> None:
        """Keep the boosters of a trial among the best so far of the last stage, which decides."""
        sign = -1.0 if HIGHER_IS_BETTER[self.plan.metric] else 1.0
        stage = job.order.stage
        if stage < len(self.stages) - 1:
            return
        has = self.board.look(job.order.began)
        others = [t for key, t in has.items() if key[0] == stage and usable(t)]
        better = sum(sign * float(t.value or 0.0) < sign * value for t in others)
        if better < FINALISTS:
            keep(self.plan, (stage, job.slot), boosters)

    def folds_of(self, stage: int) -> FoldCache:
        """The stage's folds; those of another stage are let go."""
        if self.cache is None or self.cache[0] != stage:
            share = MOST_BYTES // max(1, self.plan.workers)  # each worker holds its own
            self.cache = (stage, FoldCache(self.stages[stage], most=share))
        return self.cache[1]


def cut_off(order: Order) -> float | None:
    """When a fit is to end as it is: on large stages one alone may take what is left.

    On the first it would only spoil a comparison that costs little.
    """
    return order.until if order.stage > 0 else None


def prunes(judge: optuna.Trial | None, fold: int, mean: float) -> bool:
    """Whether the trials known to the slot were better at this fold than it is."""
    if judge is None:
        return False
    judge.report(mean, fold)
    return judge.should_prune()


def sizes(stages: Sequence[Problem]) -> list[float]:
    """Rows to fit on over all folds, by stage."""
    return [float(sum(len(fit) for fit, _ in problem.folds)) for problem in stages]


@contextmanager
def beating(hand: Hand) -> Iterator[None]:
    """Say every minute, from a thread, that the worker of a long trial lives."""
    ended = Event()

    def beat() -> None:
        count = 0
        while not ended.wait(BEAT_SECONDS):
            count += 1
            trial = hand.holds
            if trial is not None:
                hand.board.beat(trial, count)

    thread = Thread(target=beat, name="heartbeat of the search", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
