"""From a recipe to a version's model: fit, merge, calibrate, and the facts that travel with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lifecycle.label import Inactive
from lifecycle.metrics import Labels
from lifecycle.task import Task
from training.boosters import Fitted
from training.calibration import Calibrated, choose, prior_shift
from training.ensemble.fits import (
    Ground,
    covered,
    fold_fits,
    made,
    merged,
    out_of_fold,
    side_by_side,
)
from training.ensemble.recipe import Recipe, recipe_to_json
from training.model import FACTS, FOREST, Matrix, Scorer, calibrate, probabilities_of
from training.parts import Names, Prepared
from training.search.plan import Candidate
from training.splits import HELD_BACK, Positions
from training.threshold import choose_threshold

RECIPE = "recipe.json"


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Rows that no booster behind these margins was fitted on.

    Attributes:
        raw: class probabilities before calibration, shape (n, classes).
        entities: whose each row is, shape (n,).
        what: in words.
    """

    raw: Matrix
    labels: Labels
    entities: Names
    what: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A made model.

    Attributes:
        scorer: read back from the files: what is judged is what will be served.
        importance: feature → total gain over all members by weight, largest first.
    """

    scorer: Scorer
    calibrated: Calibrated
    importance: Mapping[str, float]


def finish(  # noqa: PLR0913  # one thing each; the last by name
    task: Task, prepared: Prepared, ground: Ground, recipe: Recipe, folder: Path, seed: int,
    *, margins: Matrix | None = None,
) -> Finished:  # fmt: skip
    """Make the recipe's model and write its files into the folder.

    Args:
        task: the question.
        prepared: its rows.
        ground: what the recipe is fitted on.
        recipe: what to fit.
        folder: for `forest.txt`, `model.json` and `recipe.json`.
        seed: of the cuts that calibration is judged on.
        margins: of the recipe out of fold, where they are known already.
    """
    members = made(ground, recipe)
    forest = merged(members, prepared.encoder)
    forest.save(folder / FOREST)
    shown = json.dumps(recipe_to_json(recipe), indent=1)
    (folder / RECIPE).write_text(shown, encoding="utf-8")
    blank = facts_of(task, prepared, recipe, {"method": "none"}) | {"seed": seed}
    (folder / FACTS).write_text(json.dumps(blank), encoding="utf-8")
    unseen = unseen_rows(prepared, ground, recipe, Scorer.from_folder(folder), margins)
    shift = shift_of(ground, recipe)
    calibrated = choose(unseen.raw, unseen.labels, unseen.entities, seed, shift=shift)
    facts = blank | {"calibrator": dict(calibrated.calibrator), "calibrated_on": unseen.what}
    facts |= threshold_of(task, calibrated, unseen)
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return Finished(
        scorer=Scorer.from_folder(folder),
        calibrated=calibrated,
        importance=ranked(prepared.encoder.names, members),
    )


def unseen_rows(
    prepared: Prepared, ground: Ground, recipe: Recipe, scorer: Scorer, margins: Matrix | None
) -> Unseen:
    """Later rows where some were held back for it; else the training rows out of fold."""
    held_back = prepared.calibrate
    if len(held_back.labels):
        names = prepared.data.frame["customer_id"].iloc[held_back.positions]
        return Unseen(
            raw=probabilities_of(scorer.engine.margins(held_back.matrix)),
            labels=held_back.labels,
            entities=np.asarray(names, dtype=object),
            what="later customers",
        )
    known = blended_margins(ground, recipe) if margins is None else margins
    rows = covered(known)
    return Unseen(
        raw=probabilities_of(known[rows]),
        labels=prepared.train.labels[rows],
        entities=prepared.entities[rows],
        what="training rows out of fold",
    )


def blended_margins(ground: Ground, recipe: Recipe) -> Matrix:
    """The recipe's margins out of fold, by boosters that were fitted without the row."""

    def of(candidate: Candidate) -> Matrix:
        work = [(candidate, fit) for fit in fold_fits(ground, candidate)]
        return out_of_fold(ground, side_by_side(ground, work))

    return np.asarray(sum(member.weight * of(member.candidate) for member in recipe.members))


def shift_of(ground: Ground, recipe: Recipe) -> dict[int, float] | None:
    """How far balancing moved the class shares that the blend was fitted on, as log-odds."""
    labels, total = ground.problem.labels, dict[int, float]()
    for member in recipe.members:
        balance = member.candidate.balance
        if balance.method == "none":
            continue
        balanced = ground.balanced(balance)
        for one, shift in (prior_shift(labels, balanced.labels, balanced.weights) or {}).items():
            total[one] = total.get(one, 0.0) + member.weight * shift
    return total or None


def threshold_of(task: Task, calibrated: Calibrated, unseen: Unseen) -> dict[str, Any]:
    """From which probability on the answer is yes, and why."""
    if task.kind != "binary":
        return {"threshold": 0.5, "threshold_rule": "the likeliest class"}
    p = calibrate(calibrated.calibrator, unseen.raw)
    chosen = choose_threshold(task.costs, unseen.labels, p)
    return {"threshold": chosen.value, "threshold_rule": chosen.rule}


def facts_of(
    task: Task, prepared: Prepared, recipe: Recipe, calibrator: Mapping[str, Any]
) -> dict[str, Any]:
    """What the served model needs to know, and what others need to know about it."""
    frame, splits, best = prepared.data.frame, prepared.splits, recipe.best
    seen: Positions = np.concatenate([splits.train, splits.calibrate])
    return {
        "task": task.name,
        "kind": task.kind,
        "question": task.asked,
        "horizon_days": task.horizon_days,
        "moments": list(task.moments),
        "algorithm": best.algorithm,
        "how": recipe.how,
        "rounds": best.typical_rounds,
        "params": dict(best.params),
        "balancing": asdict(best.balance),
        "classes": list(prepared.classes),
        "features": [list(feature) for feature in prepared.encoder.features],
        "definitions": dict(prepared.data.definitions),
        "meanings": {name: asdict(told) for name, told in prepared.data.meanings.items()},
        "outcome": "risk" if isinstance(task.label, Inactive) else "chance",
        "categories": {name: list(v) for name, v in prepared.encoder.categories.items()},
        "calibrator": dict(calibrator),
        "threshold": 0.5,
        "as_of": prepared.data.as_of.isoformat(),
        "labels_known_until": frame["label_end"].iloc[seen].max().isoformat(),
        "test_signed_up_from": splits.test_from.isoformat(),
        **held_back(prepared),
        "lineage": dict(prepared.data.lineage),
    }


def held_back(prepared: Prepared) -> dict[str, Any]:
    """How the rows were cut, where that is not the usual way: to judge and to make it again."""
    if prepared.shares == HELD_BACK:
        return {}
    return {
        "shares": asdict(prepared.shares),
        "learned_before": prepared.splits.test_starts.isoformat(),
        **jury_of(prepared),
    }


def jury_of(prepared: Prepared) -> dict[str, Any]:
    """Who of the earlier customers judges."""
    since = prepared.splits.jury_from
    if since is None:
        return {}
    return {"jury": {"share": prepared.shares.jury, "signed_up_from": since.isoformat()}}


def ranked(
    names: Sequence[str], members: Sequence[tuple[Any, Sequence[Fitted]]]
) -> dict[str, float]:
    """Feature → gain, largest first, ties by name; each booster's gains as shares of its own."""
    total = np.zeros(len(names))
    for member, boosters in members:
        for fitted in boosters:
            gains = fitted.importance()
            total += member.weight / len(boosters) * gains / (gains.sum() or 1.0)
    pairs = zip(names, total, strict=True)
    return {name: float(gain) for name, gain in sorted(pairs, key=lambda p: (-p[1], p[0]))}
