"""What a study is about, as a name: two searches of one name are the same search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from itertools import chain

import numpy as np

from training.folds import Problem
from training.search.plan import Plan, code
from training.search.warm import warm_starts


def named(plan: Plan, stages: Sequence[Problem]) -> Plan:
    """The plan with all that decides its outcome in its name.

    A study that is carried on, or helped by another machine, must be of the same rows, cut and
    sampled alike, of the same space and by the same code; the seed too.
    """
    digest = blake2b(digest_size=8)
    warm = warm_starts(plan.search, rows=len(stages[-1].labels))
    asked = (plan.kind, plan.metric, plan.seed, plan.search.spaces, plan.search.balancing,
             plan.search.smote, warm, code())  # fmt: skip
    digest.update(repr(asked).encode())
    for problem in stages:
        about = (problem.encoder.features, problem.encoder.categories, asdict(problem.settings))
        digest.update(repr(about).encode())
        for array in (problem.matrix, problem.labels, *chain.from_iterable(problem.folds)):
            digest.update(np.ascontiguousarray(array).data)
    return replace(plan, name=f"{plan.name}-{digest.hexdigest()}")
