"""Two clocks: how long one answer will take, and how long a training still may."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lifecycle.task import Task
from training.ensemble.fits import Ground
from training.ensemble.recipe import Recipe
from training.search.plan import Candidate, Found

# One row, in ms, as benchmarks/training.py measures it: a constant of the machine class and not
# of the moment, so that the same data and seed choose the same model.
# A level of a tree is mostly a wait for memory, and the more trees there are the longer; a third is
# on top, because a server's machine does other things too.
BASE_MS, LEVEL_MS, FEATURE_MS = 0.06, 0.00004, 0.001
LEAVES = 31  # LightGBM's own, where a search leaves it
FEW, SOME = 10_000, 30_000  # rows up to which refits are cheap enough to be repeated
REPEATS = 3
SPARE = 0.85  # of the time that is left, for work whose length is only estimated


def latency_ms(task: Task, ground: Ground, recipe: Recipe) -> float:
    """Estimated time of one row, in ms, encoding and calibration included."""
    per_round = 1 if task.kind == "binary" else ground.problem.settings.classes
    down = sum(
        levels(member.candidate) * fit.rounds for member in recipe.members for fit in member.fits
    )
    features = len(ground.problem.encoder.features)
    return BASE_MS + FEATURE_MS * features + LEVEL_MS * down * per_round


def levels(candidate: Candidate) -> float:
    """Decisions from a tree's root to a leaf: as many as a balanced tree has at most."""
    deep = candidate.params.get("max_depth")
    return float(deep or math.log2(float(candidate.params.get("num_leaves") or LEAVES)))


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much can still be done.

    Attributes:
        deadline: of `time.monotonic`; None: no limit.
        per_row: algorithm → seconds that one fit takes for each row it is fitted on.
        workers: fits at the same time.
    """

    deadline: float | None
    per_row: Mapping[str, float] = field(default_factory=dict)
    workers: int = 1
    seed: int = 0

    @property
    def unlimited(self) -> bool:
        return self.deadline is None

    @property
    def left(self) -> float:
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()

    @property
    def short(self) -> bool:
        """Whether there is time for nothing that is not needed."""
        return self.left < 5.0  # noqa: PLR2004  # seconds

    def repeats(self, members: Sequence[Candidate], rows: int) -> int:
        """How often each member can be refitted on all rows; 0: not once."""
        wanted = REPEATS if rows <= FEW else 2 if rows <= SOME else 1
        if self.unlimited:
            return wanted
        each = [rows * self.per_row.get(one.algorithm, 0.0) for one in members]
        once = max(sum(each) / self.workers, *each)
        return int(np.clip(self.left * SPARE / max(once, 1e-6), 0, REPEATS))


def pace_of(found: Found, ground: Ground, deadline: float | None, seed: int) -> Pace:
    """What the last stage's trials took, per row of a fold."""
    rows = float(np.mean([len(fit) for fit, _ in ground.problem.folds]))
    last = max((t.user_attrs.get("stage", 0) for t in found.trials), default=0)
    taken: dict[str, list[float]] = {}
    for trial in found.trials:
        folds = len(trial.user_attrs.get("scores", ()))
        if trial.user_attrs.get("stage", 0) == last and folds and trial.duration:
            each = trial.duration.total_seconds() / folds / rows
            taken.setdefault(trial.params["algorithm"], []).append(each)
    per_row = {name: float(np.median(values)) for name, values in taken.items()}
    return Pace(deadline=deadline, per_row=per_row, workers=ground.workers, seed=seed)
