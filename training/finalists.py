"""The last choice, on all training rows: which of the best candidates, and how many rounds.

A search on a sample finds good parameters, but a larger table carries more rounds than its
sample did, and the best few are too close to be told apart there. So they meet once more: each
is fitted on the earlier sign-ups of all training rows and watched on the later ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from lifecycle.metrics import HIGHER_IS_BETTER
from lifecycle.task import Task
from training.boosters import Settings, bins_for, most_rounds
from training.folds import FoldCache, Problem
from training.parts import Prepared
from training.search.search import Candidate, Found, Plan, evaluate_fold
from training.splits import LEAST_CLASSES, cut_at

WATCHED_SHARE = 0.15
MOST_ROUNDS = 400
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Final:
    """The chosen candidate with its rounds, and what each finalist scored (best first)."""

    best: Candidate
    scores: tuple[float, ...] = ()


def settle(task: Task, prepared: Prepared, found: Found, plan: Plan) -> Final:
    """Choose among the finalists on all training rows; the search's order breaks ties."""
    rows = prepared.data.frame.iloc[prepared.train.positions]
    later = (rows["signed_up_at"] >= cut_at(rows["signed_up_at"], 1 - WATCHED_SHARE)).to_numpy()
    labels = prepared.train.labels
    if min(len(np.unique(labels[side])) for side in (later, ~later)) < LEAST_CLASSES:
        return Final(best=found.ranked[0])
    problem = Problem(
        encoder=prepared.encoder,
        matrix=prepared.train.matrix,
        labels=labels,
        folds=((np.flatnonzero(~later), np.flatnonzero(later)),),
        settings=Settings(
            classes=len(prepared.classes), bins=bins_for(len(labels)), seed=plan.seed,
            rounds=most_rounds(len(prepared.classes), MOST_ROUNDS),
        ),
    )  # fmt: skip

    def tried_by(candidate: Candidate) -> tuple[float, int]:
        return evaluate_fold(candidate, plan, FoldCache(problem), 0)

    # side by side: each on rows of its own and with one thread, so that the order is no matter
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        tried = list(pool.map(tried_by, found.ranked))
    sign = -1.0 if HIGHER_IS_BETTER[task.metric] else 1.0
    order = sorted(range(len(tried)), key=lambda i: (sign * tried[i][0], i))
    score = tuple(tried[i][0] for i in order)
    return Final(best=replace(found.ranked[order[0]], rounds=tried[order[0]][1]), scores=score)
