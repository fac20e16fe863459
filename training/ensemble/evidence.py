"""Out-of-fold evidence: what a blend of candidates answers to rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lifecycle.metrics import Labels, row_log_loss
from lifecycle.task import Task
from training.calibration import fit_scaling, standard_error
from training.ensemble.blend import Weights
from training.model import Matrix, calibrate, probabilities_of
from training.parts import Names

PARTS = 5
CLEARLY_BETTER = 1.64  # standard errors by which the less simple must win: 95 %, one-sided


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Out-of-fold margins of candidates on the rows that all of them have.

    Attributes:
        parts: the part of each row in cross-fitting, shape (n,); an entity has one.
        codes: whose each row is, as numbers, shape (n,).
    """

    task: Task
    labels: Labels
    parts: Labels
    codes: Labels
    margins: Sequence[Matrix]

    def probabilities(self, weights: Weights) -> Matrix:
        """Of the weighted blend, each row scaled by what was fitted on other entities."""
        raw = probabilities_of(mixed(self.margins, weights))
        found = np.zeros_like(raw)
        for part in np.unique(self.parts):
            inside = self.parts == part
            outside = ~inside if not inside.all() else inside
            scaling = fit_scaling(raw[outside], self.labels[outside])
            found[inside] = calibrate(scaling, raw[inside])
        return found

    def losses(self, weights: Weights) -> Matrix:
        """Each row's log-loss under the blend."""
        return row_log_loss(self.labels, self.probabilities(weights))

    def clearly(self, better: Matrix, worse: Matrix) -> bool:
        """Whether row losses are lower by more than the noise of their difference."""
        gap = worse - better
        return bool(gap.mean() > CLEARLY_BETTER * standard_error(gap, self.codes))


def mixed(margins: Sequence[Matrix], weights: Weights) -> Matrix:
    """The weighted sum of margins."""
    pairs = [(w, one) for w, one in zip(weights, margins, strict=True) if w > 0]
    return np.asarray(sum(w * one for w, one in pairs))


def parts_of(entities: Names, seed: int) -> Labels:
    """A part for each row, the same for all rows of an entity."""
    codes, names = pd.factorize(entities, sort=True)
    return np.asarray((np.random.default_rng(seed).permutation(len(names)) % PARTS)[codes])
