"""Who meets whom in `benchmarks/gate.py`, and what can be measured when they meet.

What is true of a pair is known before a sample is drawn, and no sample has a say in who meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks.gate_models import Known, answers_file, two_sided
from benchmarks.gate_world import Places, World
from lifecycle.metrics import roc_auc
from training.promotion.paired import Pair

Group = Literal["equal", "better", "worse"]
GROUPS: tuple[Group, ...] = ("equal", "better", "worse")
SMALLEST, LARGEST = 0.001, 0.03  # true gains in ROC-AUC that are looked for


@dataclass(frozen=True, kw_only=True)
class Duel:
    """A challenger, a champion, and the truth about them.

    Attributes:
        gain: true ROC-AUC of the challenger less the champion's.
        saved: true log-loss of the champion less the challenger's: above zero it is better.
    """

    group: Group
    number: int
    challenger: str
    champion: str
    gain: float
    saved: float

    @property
    def name(self) -> str:
        return f"{self.group}-{self.number}"


def duel(group: Group, number: int, challenger: Known, champion: Known) -> Duel:
    return Duel(
        group=group, number=number, challenger=challenger.name, champion=champion.name,
        gain=challenger.roc_auc - champion.roc_auc,
        saved=champion.log_loss - challenger.log_loss,
    )  # fmt: skip


def duels(models: Sequence[Known], pairs: int) -> list[Duel]:
    """Pairs of equals, pairs with a gain, and those again the other way round."""
    sound = [one for one in models if one.recipe.lacks == "nothing"]
    weak = [one for one in models if one.recipe.lacks != "nothing"]
    gained = gains(sound, weak, pairs)
    return [
        *(duel("equal", i, *two) for i, two in enumerate(equals(sound, pairs))),
        *(duel("better", i, good, bad) for i, (good, bad) in enumerate(gained)),
        *(duel("worse", i, bad, good) for i, (good, bad) in enumerate(gained)),
    ]


def equals(models: Sequence[Known], pairs: int) -> list[tuple[Known, Known]]:
    """The nearest in both ROC-AUC and log-loss, each model once; a coin says who challenges."""
    worth = np.array([(one.roc_auc, one.log_loss) for one in models])
    apart = np.abs(worth[:, None] - worth[None]).max(axis=2)
    first, second = np.triu_indices(len(models), 1)
    free = np.ones(len(models), dtype=bool)
    found: list[tuple[Known, Known]] = []
    for place in np.argsort(apart[first, second], kind="stable"):
        one, two = int(first[place]), int(second[place])
        if len(found) == pairs:
            break
        if free[one] and free[two]:
            free[[one, two]] = False
            heads = np.random.default_rng([len(found), 3]).random() < 1 / 2
            found.append((models[one], models[two]) if heads else (models[two], models[one]))
    return found


def gains(
    sound: Sequence[Known], weak: Sequence[Known], pairs: int
) -> list[tuple[Known, Known]]:  # fmt: skip
    """Challenger and weaker champion, each once, with true gains of all sizes.

    For each of the gains that are looked for, equally far apart on a log scale, the free pair
    that is nearest to it; better in log-loss too. Fewer pairs where there are no more.
    """
    auc = np.array([one.roc_auc for one in sound])[:, None] - [one.roc_auc for one in weak]
    loss = np.array([one.log_loss for one in sound])[:, None] - [one.log_loss for one in weak]
    free = (auc >= SMALLEST) & (loss < 0)
    logs = np.log(np.where(free, auc, 1.0))
    wanted = np.log(np.geomspace(SMALLEST, LARGEST, pairs))
    found: list[tuple[Known, Known]] = []
    for target in np.random.default_rng(3).permutation(wanted):
        if not free.any():
            break
        away = np.where(free, np.abs(logs - target), np.inf)
        good, bad = np.unravel_index(int(away.argmin()), away.shape)
        free[good, :] = free[:, bad] = False
        found.append((sound[int(good)], weak[int(bad)]))
    return found


@dataclass(frozen=True, kw_only=True)
class Met:
    """A pair on its own evaluation sample, and on the rows that projects look at instead.

    Attributes:
        pair: both models' answers on the sample.
        frame: its rows with what the gate slices by.
        own: ROC-AUC of challenger and champion, each on the rows it held back itself.
        held: of both on the rows that the champion held back.
        learned: share of those rows' customers that the challenger was fitted on.
    """

    pair: Pair
    frame: pd.DataFrame
    own: tuple[float, float]
    held: tuple[float, float]
    learned: float


def met(world: World, folder: Path, two: tuple[Known, Known], drawn: Places) -> Met:
    """Both models on a sample.

    Args:
        world: whose customers were drawn.
        folder: of the models' answers.
        two: challenger and champion.
        drawn: customers, those who were drawn twice twice, as two.
    """
    said = [np.load(answers_file(folder, one.name), mmap_mode="r") for one in two]
    where, whose = world.rows_of(drawn)
    answers = [two_sided(one[where]) for one in said]
    fitted, _ = two[0].recipe.people(world.learners)
    _, held = two[1].recipe.people(world.learners)
    rows, _ = world.rows_of(held)
    theirs = [roc_auc(world.labels[rows], two_sided(one[rows])) for one in said]
    return Met(
        pair=Pair(
            kind="binary", labels=world.labels[where], challenger=answers[0],
            champion=answers[1], customers=pd.Series(whose).astype(str),
        ),
        frame=world.rows.iloc[where].reset_index(drop=True),
        own=(two[0].own_auc, two[1].own_auc),
        held=(theirs[0], theirs[1]),
        learned=float(np.isin(held, fitted).mean()),
    )  # fmt: skip


def sample(world: World, one: Duel, customers: int) -> Places:
    """Customers of the truth, drawn with replacement; each pair and size has its own."""
    rng = np.random.default_rng([GROUPS.index(one.group), one.number, customers])
    return rng.integers(world.learners, world.customers, customers)
