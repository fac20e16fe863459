"""Several models against one on the same rows, every interval from one set of draws.

`training.promotion.paired` tells two models apart; telling ten from one that way would draw the
same customers ten times. Here whole entities are drawn once (a bootstrap of clusters), as integer
weights, and every metric of every model is measured under them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.gate import Difference
from lifecycle.metrics import METRICS, Labels
from lifecycle.task import Kind
from training.draws import Draws, under
from training.model import Matrix
from training.promotion.paired import SLOW_DRAWS, Pair, delong, percentiles

DRAWS = 500
CONTRASTED: Mapping[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier", "ece"),
    "multiclass": ("log_loss", "accuracy", "macro_f1", "top2", "ece"),
}
SLOW = frozenset({"pr_auc", "ece"})  # sorted anew in each draw: fewer draws


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What everybody said about the same rows.

    Attributes:
        labels: class indices, shape (n,).
        reference: probabilities that the others are compared with, shape (n, classes).
        others: name → probabilities, shape (n, classes).
        entities: whose each row is, shape (n,).
    """

    kind: Kind
    labels: Labels
    reference: Matrix
    others: Mapping[str, Matrix]
    entities: npt.NDArray[np.object_]


def differences(contest: Contest, seed: int = 0) -> dict[str, dict[str, Difference]]:
    """Other → metric → other minus reference, with a 95 % interval by entity.

    ROC-AUC by DeLong's test, the other metrics by the percentiles of the bootstrap. The
    boosters are as they are: an interval speaks of other rows, not of another fit.

    Drawn ECE is biased upwards (drawn twice, a row's luck counts twice), and the more so the
    better the answers are calibrated: a difference in it is drawn towards zero.
    """
    draws = Draws.of(contest.entities, seed, DRAWS)
    found: dict[str, dict[str, Difference]] = {name: {} for name in contest.others}
    for metric in CONTRASTED[contest.kind]:
        if metric == "roc_auc":
            for name in contest.others:
                found[name][metric] = delong(pair_of(contest, name))
            continue
        some = draws.first(SLOW_DRAWS) if metric in SLOW else draws
        asked = partial(under, some, contest.kind, metric, contest.labels)
        reference = asked(contest.reference)
        for name, answers in contest.others.items():
            found[name][metric] = percentiles(
                gap(contest, name, metric), asked(answers) - reference
            )
    return found


def gap(contest: Contest, name: str, metric: str) -> float:
    measure = METRICS[contest.kind][metric]
    mine = measure(contest.labels, contest.others[name])
    return mine - measure(contest.labels, contest.reference)


def pair_of(contest: Contest, name: str) -> Pair:
    return Pair(
        kind=contest.kind,
        labels=contest.labels,
        challenger=contest.others[name],
        champion=contest.reference,
        customers=pd.Series(contest.entities),
    )
