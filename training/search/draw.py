"""The draw of slot n: a function of the seed, n and the outcomes of the slots before it.

A sampler that saw whatever happened to be finished would draw otherwise with every number of
workers and every load. So each slot is drawn in a private study that holds exactly the first
`known(n)` slots: those up to n − LAG, so that up to LAG workers run at once, and the search is the
same as with one. The first slots look closer behind themselves: nothing is pruned, and little
learned, before something is known, and a short search has few others.

Tree-structured Parzen estimator: Bergstra et al. 2011; jointly over the parameters of one
booster ("multivariate", "group"): Falkner et al. 2018.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import PercentilePruner
from optuna.samplers import TPESampler
from optuna.trial import BaseTrial, FixedTrial, FrozenTrial, TrialState, create_trial

from lifecycle.metrics import HIGHER_IS_BETTER
from lifecycle.space import MOST_WORKERS, Algorithm, Balancing, Float, Int, Range, Search
from training.balancing.balance import Balance
from training.search.plan import Candidate, Plan

LAG = MOST_WORKERS  # so that as many never wait for each other
EARLY, EARLY_LAG = 16, 4  # of the first slots, where of more workers some wait
KEPT_PERCENT = 40.0  # of the trials known, those that go on to the next fold
UNPRUNED = 3  # complete trials that must be known before any is pruned
OUTCOME = "outcome"  # one note, because each write to a journal waits for the disk
RATIO_STEP = 0.1  # resampled folds are cached by ratio: near ratios share one
NEIGHBOURED = frozenset({"smote", "smotenc", "borderline"})
RATIOED = NEIGHBOURED | {"under"}


def known(slot: int) -> int:
    """How many of the slots before it a slot may know of: it never sinks from slot to slot."""
    return max(0, min(slot, EARLY) - EARLY_LAG + 1, slot - LAG + 1)


def direction(plan: Plan) -> Literal["maximize", "minimize"]:
    return "maximize" if HIGHER_IS_BETTER[plan.metric] else "minimize"


class Proposer:
    """Draws slots for one worker, in a private study that grows with what it may know.

    The study is the same as one made afresh for each slot, but making it afresh would cost more
    with every trial. What the worker drew before stays in it as failed, which samplers and
    pruners pass over.
    """

    def __init__(self, plan: Plan, warm: Sequence[Mapping[str, Any]]) -> None:
        self.plan, self.warm = plan, warm
        self.restart()

    def restart(self) -> None:
        self.known = 0
        self.asked: optuna.Trial | None = None
        self.study = optuna.create_study(
            direction=direction(self.plan),
            pruner=PercentilePruner(KEPT_PERCENT, n_startup_trials=UNPRUNED),
        )

    def propose(self, slot: int, earlier: Sequence[FrozenTrial]) -> optuna.Trial:
        """Draw a slot's values; the trial that comes back also judges when to prune.

        Args:
            slot: n.
            earlier: the outcomes of the first `known(slot)` slots in order.
        """
        if len(earlier) < self.known:  # a slot that a dead worker left behind
            self.restart()
        if self.asked is not None:
            self.study.tell(self.asked, state=TrialState.FAIL)
        self.study.add_trials([plain(trial) for trial in earlier[self.known :]])
        self.known = len(earlier)
        self.study.sampler = sampler(self.plan.seed, slot)
        if slot < len(self.warm):
            self.study.enqueue_trial(dict(self.warm[slot]))
        self.asked = self.study.ask()
        draw(self.asked, self.plan.search)
        return self.asked


def sampler(seed: int, slot: int) -> TPESampler:
    """A sampler that depends on nothing but the seed and the slot."""
    own = int(np.random.SeedSequence([seed, slot]).generate_state(1)[0])
    with warnings.catch_warnings():
        # grouped TPE learns each booster's parameters jointly; Optuna calls it experimental
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=own, multivariate=True, group=True)


def suggest(trial: BaseTrial, name: str, span: Range) -> Any:
    """Ask Optuna for one value of a range."""
    if isinstance(span, Int):
        return trial.suggest_int(name, span.low, span.high, log=span.log)
    if isinstance(span, Float):
        return trial.suggest_float(name, span.low, span.high, log=span.log)
    return trial.suggest_categorical(name, span.options)


def draw(trial: BaseTrial, search: Search) -> Candidate:
    """Draw one candidate; its rounds are found by early stopping."""
    algorithm = cast("Algorithm", trial.suggest_categorical("algorithm", sorted(search.spaces)))
    method = cast("Balancing", trial.suggest_categorical("balancing", search.balancing))
    balance = draw_balance(trial, method, search.smote)
    space = search.spaces[algorithm]
    params = {name: suggest(trial, f"{algorithm}.{name}", span) for name, span in space.items()}
    return Candidate(algorithm=algorithm, params=params, balance=balance)


def draw_balance(trial: BaseTrial, method: Balancing, ranges: Mapping[str, Range]) -> Balance:
    """What a method of balancing leaves to choose."""
    balance = Balance(method=method)
    if method in RATIOED:
        ratio = suggest(trial, "smote.ratio", ranges["ratio"])
        balance = replace(balance, ratio=round(round(ratio / RATIO_STEP) * RATIO_STEP, 6))
    if method in NEIGHBOURED:
        k = suggest(trial, "smote.k_neighbors", ranges["k_neighbors"])
        balance = replace(balance, k_neighbors=k)
    return balance


def candidate_of(trial: FrozenTrial, search: Search) -> Candidate:
    """What a finished trial drew, with the rounds of its folds."""
    rounds = tuple(int(r) for r in outcome(trial).get("rounds", ()))
    return replace(draw(FixedTrial(trial.params), search), rounds=rounds)


def plain(trial: FrozenTrial) -> FrozenTrial:
    """An outcome without who brought it and when, its parameters in one order.

    The sampler reads them in the order that it finds, and each storage has its own.
    """
    names = sorted(trial.params)
    return create_trial(
        state=trial.state,
        value=trial.value,
        params={name: trial.params[name] for name in names},
        distributions={name: trial.distributions[name] for name in names},
        intermediate_values=dict(enumerate(means(outcome(trial).get("scores", ())))),
    )


def outcome(trial: FrozenTrial) -> Mapping[str, Sequence[Any]]:
    """What a trial's folds came to, `scores` and `rounds`; empty where it failed."""
    found: Mapping[str, Sequence[Any]] = trial.user_attrs.get(OUTCOME, {})
    return found


def means(scores: Sequence[float]) -> list[float]:
    """The mean over the folds so far, after each fold."""
    return [float(np.mean(scores[: i + 1])) for i in range(len(scores))]
