"""Synthetic rows are imbalanced-learn's: exactly for the same lots, and alike for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, SMOTENC, BorderlineSMOTE
from scipy.stats import chisquare, ks_2samp

from training.balancing.balance import Balance, Balancer, rebalance
from training.balancing.smote import Neighbourhood, Picks, between, pick, ranking, with_commonest

CATEGORIES = (3, 4)
SAMPLERS: dict[str, Callable[..., Any]] = {
    "smote": SMOTE,
    "borderline": BorderlineSMOTE,
    "smotenc": lambda **options: SMOTENC([3, 4], **options),
}


def table(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three numbers and two categories, one class rare and shifted; every row its own point."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.2).astype(np.int64)
    numbers = (rng.normal(size=(n, 3)) + 1.2 * labels[:, None]) * [1, 10, 0.1]
    return np.column_stack([numbers, rng.integers(0, 3, n), rng.integers(0, 2, n)]), labels


def columns_for(method: str) -> tuple[int, ...]:
    """Categories only where imbalanced-learn's sampler knows of them."""
    return CATEGORIES if method == "smotenc" else ()


def ready(balancer: Balancer) -> np.ndarray:
    """The rows as imbalanced-learn is to get them: standardised numbers, category codes."""
    categories = list(balancer.space.categories)
    return np.column_stack(
        [balancer.space.standardised(balancer.matrix), balancer.matrix[:, categories]]
    )


def theirs(method: str, balancer: Balancer, k: int, seed: int) -> tuple[np.ndarray, Any]:
    """imbalanced-learn's synthetic rows in our units, and its sampler."""
    sampler = SAMPLERS[method](k_neighbors=k, random_state=seed)
    grown, _ = sampler.fit_resample(ready(balancer), balancer.labels)
    new = grown[len(balancer.matrix) :]
    width = len(balancer.space.numbers)
    new[:, :width] = new[:, :width] * balancer.space.scales + balancer.space.means
    return new, sampler


def same_lots(hood: Neighbourhood, count: int, seed: int) -> Picks:
    """What imbalanced-learn's legacy generator draws for this seed."""
    legacy = np.random.RandomState(seed)  # imbalanced-learn's own
    pairs = legacy.randint(low=0, high=hood.near.size, size=count)
    parents, neighbours = np.divmod(pairs, hood.near.shape[1])
    return Picks(parents=parents, neighbours=neighbours, steps=legacy.uniform(size=count))


@pytest.mark.parametrize("method", list(SAMPLERS))
@pytest.mark.parametrize("k", [1, 5, 15])
def test_the_same_lots_give_imbalanced_learns_rows(method: str, k: int) -> None:
    """Parents, neighbours and interpolation are its own, row for row."""
    matrix, labels = table()
    balancer = Balancer(matrix, labels, columns_for(method))
    wanted, sampler = theirs(method, balancer, k, seed=3)
    hood = balancer.neighbourhood(1, Balance(method=method, k_neighbors=k))  # type: ignore[arg-type]
    if method == "borderline":
        members = np.flatnonzero(labels == 1)
        np.testing.assert_array_equal(members[hood.parents], sampler.in_danger_indices[1])
        assert 0 < len(hood.parents) < len(members)
    picks = same_lots(hood, len(wanted), seed=3)
    ours = between(balancer.space, hood, picks)
    numbers = balancer.space.numbers
    np.testing.assert_allclose(ours[:, numbers], wanted[:, numbers], atol=1e-9)


@pytest.mark.parametrize("k", [4, 7])
def test_categories_are_smotencs_wherever_there_is_no_tie(k: int) -> None:
    """Where one value is commonest it is imbalanced-learn's; on a tie, theirs is one of ours."""
    matrix, labels = table()
    balancer = Balancer(matrix, labels, CATEGORIES)
    wanted, _ = theirs("smotenc", balancer, k, seed=5)
    hood = balancer.neighbourhood(1, Balance(method="smotenc", k_neighbors=k))
    picks = same_lots(hood, len(wanted), seed=5)
    rows = between(balancer.space, hood, picks)
    ours = with_commonest(rows, balancer.space, hood, picks, np.random.default_rng(0))
    codes = balancer.space.codes(hood.rows)
    ties = 0
    for place, column in enumerate(CATEGORIES):
        ranked, tied = ranking(codes[:, place][hood.near], balancer.space.levels[place])
        for i, parent in enumerate(picks.parents):
            first = set(ranked[parent, : tied[parent]])
            assert {ours[i, column], wanted[i, column]} <= first
            ties += len(first) > 1
    assert 0 < ties < len(wanted)


def test_ties_are_broken_evenly() -> None:
    """Of three values that are equally common, each is drawn a third of the time."""
    codes = np.array([[0, 1, 2, 0, 1, 2, 3]])
    ranked, tied = ranking(codes, 5)
    assert set(ranked[0, : tied[0]]) == {0, 1, 2}
    matrix = np.column_stack([np.arange(7.0), codes[0]])
    balancer = Balancer(matrix, np.ones(7, dtype=np.int64), (1,))
    hood = Neighbourhood(
        rows=matrix, parents=np.arange(1), near=np.arange(7)[None, :]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    picks = pick(hood, 3_000, rng)
    rows = between(balancer.space, hood, picks)
    drawn = with_commonest(rows, balancer.space, hood, picks, rng)[:, 1]
    counts = np.bincount(drawn.astype(int), minlength=3)
    assert len(counts) == 3
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("method", list(SAMPLERS))
def test_draws_are_distributed_as_imbalanced_learns(method: str) -> None:
    """Over many seeds, each column has the same distribution by a two-sample test."""
    matrix, labels = table(250, seed=2)
    balancer = Balancer(matrix, labels, columns_for(method))
    balance = Balance(method=method, k_neighbors=4)  # type: ignore[arg-type]
    ours, others = [], []
    for seed in range(25):
        ours.append(balancer.balanced(balance, seed).matrix[len(matrix) :])
        others.append(theirs(method, balancer, 4, seed)[0])
    mine, its = np.vstack(ours), np.vstack(others)
    assert mine.shape == its.shape
    for column in range(mine.shape[1]):
        assert ks_2samp(mine[:, column], its[:, column]).pvalue > 0.001


def test_the_two_sample_test_would_notice() -> None:
    """Borderline-SMOTE's rows are told apart from SMOTE's by the same test."""
    matrix, labels = table(250, seed=2)
    balancer = Balancer(matrix, labels, ())
    smote, borderline = (
        np.vstack(
            [balancer.balanced(Balance(method=method), seed).matrix[250:] for seed in range(25)]  # type: ignore[arg-type]
        )
        for method in ("smote", "borderline")
    )
    assert min(ks_2samp(smote[:, c], borderline[:, c]).pvalue for c in range(3)) < 0.001


def test_what_is_not_a_number_is_as_in_the_nearer_row() -> None:
    """A synthetic row's category and gaps are those of the parent it lies closer to."""
    rows = np.array([[0.0, np.nan, 0.0], [10.0, 4.0, 1.0]])
    balancer = Balancer(rows, np.ones(2, dtype=np.int64), (2,))
    hood = Neighbourhood(rows=rows, parents=np.arange(2), near=np.array([[1], [0]]))
    picks = Picks(parents=np.array([0, 0]), neighbours=np.array([0, 0]), steps=np.array([0.2, 0.9]))
    near, far = between(balancer.space, hood, picks)
    np.testing.assert_array_equal(near, [2.0, np.nan, 0.0])
    np.testing.assert_array_equal(far, [9.0, 4.0, 1.0])


def test_smote_keeps_real_categories() -> None:
    """`smote` measures categories as 0/1 columns and never makes up a value between two."""
    matrix, labels = table()
    found = rebalance(matrix, labels, CATEGORIES, Balance(method="smote"), 0)
    assert set(np.unique(found.matrix[:, 3])) == {0.0, 1.0, 2.0}
