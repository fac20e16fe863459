"""The models of `benchmarks/gate.py`: small, many, and each one's true worth known.

One recipe, each time on a random half of those to learn from: such models are as good as one
another but for luck, and luck is measured. The others lack something: rows, features or rounds, by
a share that is drawn, so that there are weak ones of every degree.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.gate_world import Floats, Places, World
from lifecycle.metrics import log_loss_skill, metric, roc_auc
from training.booster import Fitted, Rows, Settings
from training.by_lightgbm import LightGBMPrepared
from training.model import Encoder

Lacks = Literal["nothing", "rows", "features", "rounds"]
WEAK: tuple[Lacks, ...] = ("rows", "features", "rounds")
# Of what a weak model has least, so that most are weaker by less than 0.03 ROC-AUC; and most.
LEAST: dict[Lacks, float] = {"rows": 0.08, "features": 0.12, "rounds": 0.15}
MOST = 0.9
APART = 100_000  # seeds of weak models start here: no two models share their rows

PARAMS = {
    "learning_rate": 0.1, "num_leaves": 12, "min_data_in_leaf": 40, "feature_fraction": 0.6,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0,
}  # fmt: skip
ROUNDS, PATIENCE, BINS = 150, 15, 63
HELD = 5  # one in five of a model's customers is held back to say when to stop
LEAST_CUSTOMERS = 50
LEAST_FEATURES = 3


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides a model, apart from the world.

    Attributes:
        lacks: what it has less of than the others.
        seed: of its rows and of everything drawn while it is fitted.
        share: how much it has of what it lacks.
    """

    lacks: Lacks
    seed: int
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.lacks}-{self.seed:04d}"

    def people(self, learners: int) -> tuple[Places, Places]:
        """The customers it is fitted on, and those that say when to stop."""
        half = np.random.default_rng([self.seed, 7]).permutation(learners)[: learners // 2]
        if self.lacks == "rows":
            half = half[: max(LEAST_CUSTOMERS, round(self.share * len(half)))]
        held = len(half) // HELD
        return half[held:], half[:held]


@dataclass(frozen=True, kw_only=True)
class Known:
    """A fitted model, and the truth about it.

    Attributes:
        roc_auc, log_loss, skill: over all rows of the truth.
        own_auc: over the customers that it held back itself, which is what projects log.
        rounds: trees.
        seconds: CPU, to fit it and to ask it about everybody.
    """

    recipe: Recipe
    roc_auc: float
    log_loss: float
    skill: float
    own_auc: float
    rounds: int
    seconds: float

    @property
    def name(self) -> str:
        return self.recipe.name

    def line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: str) -> Known:
        told = json.loads(line)
        return cls(**{**told, "recipe": Recipe(**told["recipe"])})


def recipes(pairs: int) -> Iterator[Recipe]:
    """Enough models for that many pairs of equals and as many with a gain.

    A quarter more than the equal pairs take, so that the nearest can find each other; all of
    them may challenge a weak champion. Half as many weak ones again as there are gains.
    """
    for seed in range(5 * pairs // 2):
        yield Recipe(lacks="nothing", seed=seed)
    for number in range(3 * pairs // 2):
        yield weak(WEAK[number % len(WEAK)], APART + number)


def weak(lacks: Lacks, seed: int) -> Recipe:
    """One that lacks something, by a share drawn log-uniformly."""
    uniform = np.random.default_rng([seed, WEAK.index(lacks)]).random()
    share = float(LEAST[lacks] * (MOST / LEAST[lacks]) ** uniform)
    return Recipe(lacks=lacks, seed=seed, share=share)


def fitted(world: World, recipe: Recipe) -> tuple[Fitted, Places]:
    """The booster, and the features that it takes."""
    features = chosen(world.encoder, recipe)
    kept = [world.encoder.features[place] for place in features]
    encoder = Encoder(kept, {
        name: world.encoder.categories[name] for name, kind in kept if kind == "category"
    })  # fmt: skip
    fit, held = (rows(world, people, features) for people in recipe.people(world.learners))
    most = max(2, round(ROUNDS / 2 * recipe.share)) if recipe.lacks == "rounds" else ROUNDS
    settings = Settings(classes=2, bins=BINS, seed=recipe.seed, rounds=most, patience=PATIENCE)
    return LightGBMPrepared(encoder, fit, held, settings).fit(PARAMS, settings), features


def chosen(encoder: Encoder, recipe: Recipe) -> Places:
    """Places of the features it takes."""
    known = len(encoder.features)
    if recipe.lacks != "features":
        return np.arange(known)
    many = max(LEAST_FEATURES, round(recipe.share * known))
    return np.sort(np.random.default_rng([recipe.seed, 11]).permutation(known)[:many])


def rows(world: World, people: Places, features: Places) -> Rows:
    where, _ = world.rows_of(np.sort(people))
    return Rows(
        matrix=world.matrix[where][:, features].astype(np.float64), labels=world.labels[where]
    )


def learned(world: World, recipe: Recipe, folder: Path) -> Known:
    """Fit it, ask it about everybody, keep the answers, and measure the truth."""
    begun = time.process_time()
    model, features = fitted(world, recipe)
    said = model.predict(np.asarray(world.matrix[:, features]))[:, 1].astype(np.float32)
    np.save(answers_file(folder, recipe.name), said)
    where, _ = world.rows_of(recipe.people(world.learners)[1])
    labels, answers = world.labels[world.true_rows], two_sided(said[world.true_rows])
    return Known(
        recipe=recipe,
        roc_auc=roc_auc(labels, answers),
        log_loss=metric("binary", "log_loss", labels, answers),
        skill=log_loss_skill(labels, answers),
        own_auc=roc_auc(world.labels[where], two_sided(said[where])),
        rounds=model.rounds,
        seconds=time.process_time() - begun,
    )


def answers_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def two_sided(said: np.ndarray) -> Floats:
    """Probabilities of no and yes, shape (n, 2)."""
    yes = np.asarray(said, dtype=np.float64)
    return np.column_stack([1 - yes, yes])
