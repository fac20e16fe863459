"""A table without time is cut at random, entities whole, classes in their shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lifecycle.errors import DataError
from tests.training.conftest import make_frame
from training.shuffled import shuffled_folds, shuffled_split
from training.splits import Shares


@pytest.mark.parametrize("alone", [True, False], ids=["a row each", "three rows each"])
def test_parts_share_no_entity_and_keep_the_shares(alone: bool) -> None:
    """Split and folds hold each entity on one side, and both classes everywhere."""
    frame = make_frame(customers=200)
    if alone:
        frame["customer_id"] = np.arange(len(frame)).astype(str)
    splits = shuffled_split(frame, Shares(test=0.25, calibrate=0), seed=3)
    assert len(splits.calibrate) == 0
    assert len(splits.test) == pytest.approx(0.25 * len(frame), rel=0.1)
    cuts = [(splits.train, splits.test), *shuffled_folds(frame, 5, seed=3)]
    for fit, validate in cuts:
        names = frame["customer_id"]
        assert not set(names.iloc[fit]) & set(names.iloc[validate])
        shares = [frame["label"].iloc[side].mean() for side in (fit, validate)]
        assert shares[0] == pytest.approx(shares[1], abs=0.08)
    validated = np.concatenate([validate for _, validate in cuts[1:]])
    np.testing.assert_array_equal(np.sort(validated), np.arange(len(frame)))


def test_the_cut_is_the_seeds() -> None:
    """The same seed cuts the same; another does not."""
    frame = make_frame(customers=100)
    one, same, other = (shuffled_split(frame, Shares(test=0.2), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.test, same.test)
    assert not np.array_equal(one.test, other.test)


def test_one_fold_is_a_hold_out_of_a_tenth() -> None:
    """A large table is not cut more than once."""
    frame = make_frame(customers=300)
    ((fit, validate),) = shuffled_folds(frame, 1, seed=0)
    assert len(validate) == pytest.approx(len(frame) / 10, rel=0.1)
    assert len(fit) + len(validate) == len(frame)


def test_no_test_is_asked_and_none_is_made() -> None:
    """Everything is for training then."""
    frame = make_frame(customers=60)
    splits = shuffled_split(frame, Shares(test=0, calibrate=0), seed=0)
    assert (len(splits.train), len(splits.test)) == (len(frame), 0)


def test_a_class_of_one_row_is_no_crash() -> None:
    """Those that can be learned are cut as if it were not there."""
    frame = make_frame(customers=60, kind="multiclass")
    frame.loc[0, "label"] = "rare"
    assert len(shuffled_folds(frame, 5, seed=0)) == 5
    splits = shuffled_split(frame, Shares(test=0.2), seed=0)
    assert len(splits.test) == pytest.approx(0.2 * len(frame), rel=0.1)
    with pytest.raises(DataError, match="no fold has two classes"):
        shuffled_folds(pd.DataFrame(frame).assign(label="one"), 5, seed=0)
