"""One forest of regression trees out of many boosters, in LightGBM's own text format.

The margins of a weighted blend (log-odds for two classes, log-probabilities up to a constant for
more) are the weighted sums of its members' margins, and a margin is a sum over trees. So every
chosen booster's trees, with the weights multiplied into their leaves, are one forest, which one
call of one library scores: a fold bag of five costs hardly more than a single booster, and the
TreeSHAP contributions of the whole come from the library too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Block = dict[str, str]  # one tree: LightGBM's key → its values as text, in the format's order

SCALED = ("leaf_value", "internal_value")
VERSION = "v4"


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Trees of `per_round` margins, round after round.

    Attributes:
        per_round: margins, and trees a round: one for two classes, else one a class.
        features: width of the matrix it scores.
        trees: in order; tree i adds to margin i modulo `per_round`.
    """

    per_round: int
    features: int
    trees: tuple[Block, ...]

    def scaled(self, weight: float) -> Forest:
        """The same forest with every margin multiplied by `weight`."""
        trees = tuple(
            {k: multiplied(v, weight) if k in SCALED else v for k, v in tree.items()}
            for tree in self.trees
        )
        return Forest(per_round=self.per_round, features=self.features, trees=trees)

    def text(self) -> str:
        """The model file that LightGBM reads."""
        blocks = [block_text(tree, number) for number, tree in enumerate(self.trees)]
        # a file must name an objective; only margins are ever asked of it
        objective = "binary sigmoid:1" if self.per_round == 1 else (
            f"multiclass num_class:{self.per_round}"
        )  # fmt: skip
        head = {
            "version": VERSION,
            "num_class": self.per_round,
            "num_tree_per_iteration": self.per_round,
            "label_index": 0,
            "max_feature_idx": self.features - 1,
            "objective": objective,
            "feature_names": " ".join(f"Column_{i}" for i in range(self.features)),
            "feature_infos": " ".join(["none"] * self.features),
            "tree_sizes": " ".join(str(len(block)) for block in blocks),
        }
        lines = "\n".join(f"{key}={value}" for key, value in head.items())
        return f"tree\n{lines}\n\n{''.join(blocks)}end of trees\n"

    def save(self, path: Path) -> None:
        path.write_text(self.text(), encoding="utf-8")


def multiplied(values: str, weight: float) -> str:
    return " ".join(f"{float(value) * weight:.17g}" for value in values.split())


def block_text(tree: Block, number: int) -> str:
    """One tree as the format spells it; its length is what `tree_sizes` counts."""
    lines = "\n".join(f"{key}={value}" for key, value in tree.items())
    return f"Tree={number}\n{lines}\n\n\n"


def blend(members: Sequence[tuple[Forest, float]]) -> Forest:
    """The forest whose margins are the weighted sum of the members'.

    Raises:
        ValueError: the members do not score the same columns into the same margins.
    """
    first = members[0][0]
    shapes = {(forest.per_round, forest.features) for forest, _ in members}
    if len(shapes) > 1:
        raise ValueError(f"Forests of different shapes cannot be blended: {sorted(shapes)}.")
    trees = tuple(tree for forest, weight in members for tree in forest.scaled(weight).trees)
    return Forest(per_round=first.per_round, features=first.features, trees=trees)


def of_lightgbm(booster: lgb.Booster, rounds: int) -> Forest:
    """The first `rounds` rounds of a LightGBM booster, as it wrote them."""
    text = booster.model_to_string(num_iteration=rounds)
    return Forest(
        per_round=booster.num_model_per_iteration(),
        features=booster.num_feature(),
        trees=tuple(blocks(text)),
    )


def blocks(text: str) -> Iterator[Block]:
    """The trees of a model file."""
    body = text[: text.index("end of trees")]
    for part in body.split("\nTree=")[1:]:
        pairs = (line.partition("=") for line in part.splitlines()[1:] if "=" in line)
        yield {key: value for key, _, value in pairs}


def constant(value: float) -> Block:
    """A tree of one leaf: an intercept."""
    return {"num_leaves": "1", "num_cat": "0", "leaf_value": f"{value:.17g}", "shrinkage": "1"}


def joined(values: Sequence[float] | npt.NDArray[np.float64]) -> str:
    """Floats with every digit that matters."""
    return " ".join(f"{float(value):.17g}" for value in values)
