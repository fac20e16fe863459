"""Balancing is imbalanced-learn's, works on any table, and never touches the given rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, SMOTENC

from training.balancing.balance import Balance, rebalance


def table(n: int = 400, seed: int = 0, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 6)) * [1, 10, 0.1, 5, 1, 1]
    matrix[:, 4], matrix[:, 5] = rng.integers(0, 4, n), rng.integers(0, 2, n)
    shares = np.array([0.75, 0.18, 0.07][:classes])
    return matrix, rng.choice(classes, n, p=shares / shares.sum())


def test_smote_is_imbalanced_learns() -> None:
    """On complete numbers the synthetic rows are imbalanced-learn's on standardised columns."""
    matrix, labels = table()
    numbers = matrix[:, :4]
    ours = rebalance(numbers, labels, (), Balance(method="smote", k_neighbors=5, ratio=1.0), 3)
    mean, scale = numbers.mean(axis=0), numbers.std(axis=0)
    theirs, their_labels = SMOTE(k_neighbors=5, random_state=3).fit_resample(
        (numbers - mean) / scale, labels
    )
    np.testing.assert_allclose(ours.matrix, theirs * scale + mean, atol=1e-9)
    assert np.array_equal(ours.labels, their_labels)
    assert ours.synthetic == len(theirs) - len(numbers)


def test_smotenc_is_imbalanced_learns() -> None:
    """With categories the synthetic rows are SMOTENC's on standardised columns."""
    matrix, labels = table()
    ours = rebalance(matrix, labels, (4, 5), Balance(method="smotenc", k_neighbors=4), 3)
    mean, scale = matrix[:, :4].mean(axis=0), matrix[:, :4].std(axis=0)
    ready = np.hstack([(matrix[:, :4] - mean) / scale, matrix[:, 4:]])
    theirs, _ = SMOTENC([4, 5], k_neighbors=4, random_state=3).fit_resample(ready, labels)
    np.testing.assert_allclose(ours.matrix[:, :4], theirs[:, :4] * scale + mean, atol=1e-9)
    assert np.array_equal(ours.matrix[:, 4:], theirs[:, 4:])


@given(
    seed=st.integers(0, 1_000), missing=st.floats(0, 0.5), classes=st.integers(2, 3),
    method=st.sampled_from(["smote", "smotenc"]), ratio=st.floats(0.3, 1),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_table_can_be_resampled(
    seed: int, missing: float, classes: int, method: str, ratio: float
) -> None:
    """Given rows stay as they were; new ones are rare, in range, and of real categories."""
    matrix, labels = table(300, seed, classes)
    matrix[np.random.default_rng(seed).random(matrix.shape) < missing] = np.nan
    matrix[:, 2] = np.nan  # a column that nobody ever filled
    before = matrix.copy()
    found = rebalance(matrix, labels, (4, 5), Balance(method=method, ratio=ratio), seed)  # type: ignore[arg-type]
    assert np.array_equal(matrix, before, equal_nan=True)
    assert np.array_equal(found.matrix[: len(matrix)], before, equal_nan=True)
    new = found.matrix[len(matrix) :]
    assert len(new) == found.synthetic
    assert np.isnan(new[:, 2]).all()
    assert set(new[:, 4][~np.isnan(new[:, 4])]) <= {0.0, 1.0, 2.0, 3.0}
    for column in (0, 1, 3):
        inside = new[:, column][~np.isnan(new[:, column])]
        assert (inside >= np.nanmin(before[:, column]) - 1e-9).all()
        assert (inside <= np.nanmax(before[:, column]) + 1e-9).all()
    counts = np.bincount(found.labels, minlength=classes)
    assert (counts >= round(ratio * counts.max()) - 1).all()


def test_class_weights_give_classes_the_same_sum() -> None:
    """Each class weighs the same in all, and a row weighs one on average."""
    matrix, labels = table(classes=3)
    found = rebalance(matrix, labels, (4, 5), Balance(method="class_weight"), 0)
    assert found.weights is not None
    sums = np.bincount(labels, found.weights)
    assert sums == pytest.approx([sums[0]] * 3)
    assert found.weights.mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("rare", "ratio", "words"),
    [(3, 1.0, "k_neighbors 2: the rarest class has 3 rows"), (1, 1.0, "single row"),
     (100, 0.5, "already has 50%")],
)  # fmt: skip
def test_what_could_not_be_done_is_recorded(rare: int, ratio: float, words: str) -> None:
    """Too few rare rows lower k or leave the class as it is, and say so."""
    matrix, _ = table(200)
    labels = (np.arange(200) < rare).astype(np.int64)
    balance = Balance(method="smote", k_neighbors=5, ratio=ratio)
    found = rebalance(matrix, labels, (4, 5), balance, 0)
    assert words in found.reason
    assert (found.synthetic > 0) == (rare == 3)
