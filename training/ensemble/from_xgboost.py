"""An XGBoost booster as a forest that scores the same: trees rewritten, nothing approximated.

The two libraries ask the same questions in other words, and each is answered for every input:

- XGBoost goes left where the value, rounded to float32, is below the split; LightGBM where the
  double is at most the threshold. The largest double that rounds below the split is that
  threshold.
- XGBoost sends listed categories right and a missing one to the default side; LightGBM sends
  listed ones left and a missing one right. Where missing goes left, the sides are exchanged.
- XGBoost adds a base score; here it is one more round, of trees with one leaf.

Leaves are sums of float32 there and of doubles here: margins agree to some 1e-6.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost as xgb

from training.ensemble.forest import Block, Forest, constant, joined

CATEGORICAL, DEFAULT_LEFT, MISSING_IS_NAN = 1, 2, 8  # bits of LightGBM's decision_type
WORD = 32
COVER = 1_000_000  # rows that a tree's hessian is spread over: TreeSHAP wants counts


def of_xgboost(booster: xgb.Booster, rounds: int, levels: dict[int, int]) -> Forest:
    """The first `rounds` rounds of an XGBoost booster.

    Args:
        booster: of trees (`gbtree`), binary:logistic or multi:softprob.
        rounds: to take.
        levels: column of each category feature → its number of categories (codes 0 …).
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    model, facts = learner["gradient_booster"]["model"], learner["learner_model_param"]
    taken = model["iteration_indptr"][rounds]
    per_round = max(1, int(facts["num_class"]))
    trees = [tree_of(tree, levels) for tree in model["trees"][:taken]]
    return Forest(
        per_round=per_round,
        features=int(facts["num_feature"]),
        trees=(*trees, *map(constant, base_margins(facts["base_score"], per_round))),
    )


def base_margins(stored: str, per_round: int) -> list[float]:
    """The stored base score as margins: a probability for two classes, margins for more."""
    scores = [float(np.float32(score)) for score in json.loads(stored)]
    if per_round == 1:
        return [float(np.log(scores[0] / (1 - scores[0])))]
    return scores if len(scores) == per_round else scores * per_round


def tree_of(tree: dict[str, Any], levels: dict[int, int]) -> Block:
    """One tree in the other library's words."""
    left = np.asarray(tree["left_children"])
    values = np.asarray(tree["split_conditions"], dtype=np.float32)
    cover = np.asarray(tree["sum_hessian"], dtype=np.float64)
    counts = np.maximum(1, np.rint(cover * (COVER / max(cover[0], 1e-12)))).astype(np.int64)
    if left[0] == -1:
        return constant(float(values[0]))
    inner, leaves = np.flatnonzero(left != -1), np.flatnonzero(left == -1)
    # LightGBM numbers splits from 0 and leaves from −1 downwards
    place = np.empty(len(left), dtype=np.int64)
    place[inner], place[leaves] = np.arange(len(inner)), -1 - np.arange(len(leaves))
    splits = Splits(tree, levels)
    for node in inner:
        splits.add(int(node))
    lefts = np.where(splits.exchanged, np.asarray(tree["right_children"])[inner], left[inner])
    rights = np.where(splits.exchanged, left[inner], np.asarray(tree["right_children"])[inner])
    weights = np.asarray(tree["base_weights"], dtype=np.float64)
    return {
        "num_leaves": str(len(leaves)),
        "num_cat": str(len(splits.boundaries) - 1),
        "split_feature": spaced(np.asarray(tree["split_indices"])[inner]),
        "split_gain": joined(np.asarray(tree["loss_changes"])[inner]),
        "threshold": joined(splits.thresholds),
        "decision_type": spaced(splits.types),
        "left_child": spaced(place[lefts]),
        "right_child": spaced(place[rights]),
        "leaf_value": joined(values[leaves].astype(np.float64)),
        "leaf_weight": joined(cover[leaves]),
        "leaf_count": spaced(counts[leaves]),
        "internal_value": joined(weights[inner]),
        "internal_weight": joined(cover[inner]),
        "internal_count": spaced(counts[inner]),
        **splits.categories(),
        "is_linear": "0",
        "shrinkage": "1",
    }


class Splits:
    """The splits of one tree, gathered node by node."""

    def __init__(self, tree: dict[str, Any], levels: dict[int, int]) -> None:
        self.tree, self.levels = tree, levels
        self.thresholds: list[float] = []
        self.types: list[int] = []
        self.exchanged: list[bool] = []
        self.boundaries, self.words = [0], list[int]()
        nodes, sizes = tree["categories_nodes"], tree["categories_sizes"]
        starts = tree["categories_segments"]
        self.listed = {
            node: tree["categories"][start : start + size]
            for node, start, size in zip(nodes, starts, sizes, strict=True)
        }

    def add(self, node: int) -> None:
        goes_left = bool(self.tree["default_left"][node])
        if self.tree["split_type"][node] == 0:
            self.thresholds.append(largest_below(self.tree["split_conditions"][node]))
            self.types.append(MISSING_IS_NAN | (DEFAULT_LEFT if goes_left else 0))
            self.exchanged.append(False)
            return
        right = set(self.listed[node])
        known = range(self.levels[self.tree["split_indices"][node]])
        self.thresholds.append(len(self.boundaries) - 1)
        self.types.append(MISSING_IS_NAN | CATEGORICAL)
        self.exchanged.append(goes_left)
        self.words += bitset(right if goes_left else set(known) - right)
        self.boundaries.append(len(self.words))

    def categories(self) -> Block:
        if len(self.boundaries) == 1:
            return {}
        return {"cat_boundaries": spaced(self.boundaries), "cat_threshold": spaced(self.words)}


def largest_below(split: float) -> float:
    """The largest double that becomes less than `split` when it is rounded to float32."""
    at = np.float32(split)
    below = np.nextafter(at, np.float32(-np.inf))
    middle = (float(below) + float(at)) / 2
    # a tie rounds to the even neighbour: it belongs below when that is the lower one
    return middle if np.float32(middle) < at else float(np.nextafter(middle, -np.inf))


def bitset(members: set[int]) -> list[int]:
    """Words of 32 bits, the lowest first; one empty word for an empty set."""
    words = [0] * (max(members, default=0) // WORD + 1)
    for member in members:
        words[member // WORD] |= 1 << (member % WORD)
    return words


def spaced(values: Any) -> str:
    return " ".join(str(int(value)) for value in values)
