"""Balancing works on any table, never touches the given rows, and hangs on nothing but its seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.balancing import balance as balance_module
from training.balancing.balance import LEAST_KEPT, MOST_NEIGHBOURS, Balance, Balancer, rebalance
from training.balancing.neighbours import Places, Points, nearest

METHODS = ["smote", "smotenc", "borderline", "under", "class_weight", "none"]


def table(n: int = 400, seed: int = 0, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 6)) * [1, 10, 0.1, 5, 1, 1]
    matrix[:, 4], matrix[:, 5] = rng.integers(0, 4, n), rng.integers(0, 2, n)
    shares = np.array([0.75, 0.18, 0.07][:classes])
    return matrix, rng.choice(classes, n, p=shares / shares.sum())


@given(
    seed=st.integers(0, 1_000), missing=st.floats(0, 0.5), classes=st.integers(2, 3),
    method=st.sampled_from(["smote", "smotenc", "borderline"]), ratio=st.floats(0.3, 1),
)  # fmt: skip
@settings(deadline=None, max_examples=12)
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
    if "no row in danger" not in found.reason:
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
    [(3, 1.0, "k_neighbors 2: class 1 has 3 rows"), (1, 1.0, "single row"),
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


@given(order=st.permutations(range(6)), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=3)
def test_an_answer_does_not_hang_on_what_was_asked_before(order: list[int], seed: int) -> None:
    """Remembered neighbours give the very rows of a fresh search, in any order of asking."""
    matrix, labels = table(150, seed, 3)
    matrix[::7, 0] = np.nan
    matrix[:, 1] = np.round(matrix[:, 1] / 10)  # many rows are equally near
    asked = [
        Balance(method="smote", k_neighbors=3), Balance(method="smote", k_neighbors=20),
        Balance(method="smotenc", k_neighbors=5, ratio=0.5), Balance(method="borderline"),
        Balance(method="under", ratio=0.5), Balance(method="smotenc", k_neighbors=15),
    ]  # fmt: skip
    balancer = Balancer(matrix, labels, (4, 5))
    for place in order:
        ours = balancer.balanced(asked[place], seed)
        fresh = rebalance(matrix, labels, (4, 5), asked[place], seed)
        assert np.array_equal(ours.matrix, fresh.matrix, equal_nan=True)
        assert np.array_equal(ours.labels, fresh.labels)


def test_neighbours_are_sought_once_for_every_k_and_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """One search of the rare class serves them all; SMOTENC's own space takes a second one."""
    sought: list[int] = []

    def counted(points: Points, asked: Places, among: Places, k: int, width: int) -> Places:
        sought.append(len(asked))
        return nearest(points, asked, among, k, width)

    monkeypatch.setattr(balance_module, "nearest", counted)
    matrix, labels = table()
    balancer, rare = Balancer(matrix, labels, (4, 5)), int((labels == 1).sum())
    for k in (3, 5, MOST_NEIGHBOURS):
        for ratio in (0.5, 1.0):
            asked = Balance(method="smote", k_neighbors=k, ratio=ratio)
            assert balancer.balanced(asked, 0).synthetic > 0
    assert sought == [rare]
    for k in (3, 5):
        balancer.balanced(Balance(method="smotenc", k_neighbors=k), 0)
    assert sought == [rare, rare]


def test_another_seed_draws_other_rows() -> None:
    """The seed decides, and the same seed decides the same."""
    matrix, labels = table()
    for method in ("smote", "smotenc", "borderline", "under"):
        first, again, other = (
            rebalance(matrix, labels, (4, 5), Balance(method=method), seed).matrix  # type: ignore[arg-type]
            for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


def test_under_sampling_keeps_the_rare_and_draws_the_rest() -> None:
    """Every row that is left is a given one, in the given order; the rarest keep all of theirs."""
    matrix, labels = table(2_000, classes=3)
    matrix[:, 0] = np.arange(2_000)
    found = rebalance(matrix, labels, (4, 5), Balance(method="under", ratio=0.8), 0)
    counts = np.bincount(labels)
    goal = round(counts[2] / 0.8)
    assert np.bincount(found.labels).tolist() == [goal, goal, counts[2]]
    kept = found.matrix[:, 0].astype(int)
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(found.matrix, matrix[kept])
    assert found.dropped == 2_000 - len(kept)
    assert found.changed
    assert not found.reason


def test_under_sampling_leaves_enough_to_learn_from() -> None:
    """Three rare rows do not shrink a table to six."""
    matrix, _ = table(400)
    labels = (np.arange(400) < 3).astype(np.int64)
    found = rebalance(matrix, labels, (4, 5), Balance(method="under"), 0)
    assert np.bincount(found.labels).tolist() == [LEAST_KEPT, 3]
    assert f"{LEAST_KEPT} rows a class are kept: the rarest has 3" in found.reason
    few = rebalance(matrix[:40], labels[:40], (4, 5), Balance(method="under"), 0)
    assert few.dropped == 0
    assert "nothing to leave out" in few.reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "kind",
    [
        *("one class", "twins", "categories alone", "numbers alone", "many classes"),
        *("empty category", "two rows", "huge"),
    ],
)
def test_odd_tables_are_balanced_or_left_alone(method: str, kind: str) -> None:
    """No table makes balancing fail; what was not done has a reason."""
    rng = np.random.default_rng(0)
    matrix, labels = table(120)
    categories: tuple[int, ...] = (4, 5)
    if kind == "one class":
        labels = np.zeros(120, dtype=np.int64)
    elif kind == "twins":
        matrix = np.tile(matrix[:2], (60, 1))
    elif kind == "categories alone":
        matrix, categories = matrix[:, 4:], (0, 1)
    elif kind == "numbers alone":
        matrix, categories = matrix[:, :4], ()
    elif kind == "many classes":
        labels = rng.integers(0, 12, 120)
    elif kind == "empty category":
        matrix[:, 4] = np.nan
    elif kind == "two rows":
        matrix, labels = matrix[:2], np.array([0, 1])
    else:
        matrix[:, 0] = rng.choice([1e308, -1e308, 1.0], 120)
    found = rebalance(matrix, labels, categories, Balance(method=method), 0)  # type: ignore[arg-type]
    assert len(found.matrix) == len(found.labels)
    assert not np.isinf(found.matrix).any()
    assert found.changed or found.reason or method == "none"
    assert found.nbytes >= found.matrix.nbytes


def test_a_class_without_rows_in_danger_is_left_alone() -> None:
    """Borderline-SMOTE has nothing to draw where the classes lie far apart, and says so."""
    matrix, labels = table(200)
    matrix[labels == 1] += 1e3
    found = rebalance(matrix, labels, (), Balance(method="borderline"), 0)
    assert found.synthetic == 0
    assert "Class 1 has no row in danger" in found.reason
    assert not found.changed


def test_equal_balances_have_one_plain_form() -> None:
    """What a method does not look at does not tell two folds apart."""
    assert Balance(method="none", k_neighbors=9, ratio=0.3).plain == Balance()
    assert Balance(method="under", k_neighbors=9, ratio=0.3).plain == Balance(
        method="under", ratio=0.3
    )
    smote = Balance(method="smote", k_neighbors=9, ratio=0.3)
    assert smote.plain == smote
