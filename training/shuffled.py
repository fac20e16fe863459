"""Splits of a plain table, which has no time: at random, stratified, entities kept whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from lifecycle.errors import DataError
from training.splits import LEAST_CLASSES, Positions, Shares, Splits, check, refuse_empty


def shuffled_split(frame: pd.DataFrame, shares: Shares, seed: int) -> Splits:
    """Cut labelled rows into train and test, if there is to be one; nothing to calibrate.

    Raises:
        DataError: a part has too few rows or only one class.
    """
    refuse_empty(frame)
    everything = np.arange(len(frame))
    train, test = everything, everything[:0]
    if shares.test > 0:
        train, test = next(iter(cuts(frame, max(2, round(1 / shares.test)), seed)))
    at = frame["event_timestamp"].max()
    found = Splits(
        train=train, calibrate=everything[:0], test=test, test_from=at, test_starts=at, embargoed=0
    )
    check(frame, found, Shares(test=shares.test, calibrate=0))
    return found


def shuffled_folds(
    frame: pd.DataFrame, count: int, seed: int
) -> tuple[tuple[Positions, Positions], ...]:
    """Stratified folds: (fit, validate) positions. One fold is a hold-out of a tenth.

    Raises:
        DataError: no fold has two classes on both sides.
    """
    found = list(cuts(frame, count if count > 1 else 10, seed))[:count]
    labels = frame["label"].to_numpy()
    kept = [
        (fit, validate)
        for fit, validate in found
        if min(len(set(labels[fit])), len(set(labels[validate]))) > 1
    ]
    if not kept:
        raise DataError(
            "The training rows cannot be cut into folds.",
            found=f"{len(frame)} rows; no fold has two classes on both sides.",
            do="Bring more rows of the rarer class.",
        )
    return tuple(kept)


def cuts(frame: pd.DataFrame, count: int, seed: int) -> list[tuple[Positions, Positions]]:
    """`count` cuts, fewer where two classes have not a row for each."""
    labels = strata(frame["label"].astype(str).to_numpy(), count)
    entities = pd.factorize(frame["customer_id"])[0]
    rarest = int(np.unique(labels, return_counts=True)[1].min())
    count = max(2, min(count, rarest))
    alone = int(entities.max()) + 1 == len(entities)
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    folds = kind(n_splits=count, shuffle=True, random_state=seed)
    if rarest < 2:  # noqa: PLR2004  # a class of one row is on one side only: scikit-learn warns
        labels = np.zeros(len(labels), dtype=str)
    return list(folds.split(np.zeros(len(labels)), labels, None if alone else entities))


def strata(labels: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """The labels, with classes too rare for `count` cuts counted to the commonest.

    They lie where they fall: one rare class of many must not decide how large a test is.
    """
    names, rows = np.unique(labels, return_counts=True)
    common = names[rows >= count]
    if len(common) < LEAST_CLASSES:
        return labels
    return np.where(np.isin(labels, common), labels, names[rows.argmax()])
