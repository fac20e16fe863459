"""Neighbours are exact, never the row itself, whatever is held in memory at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.balancing.neighbours import nearest


@given(
    seed=st.integers(0, 10_000), width=st.sampled_from([3, 8]), levels=st.integers(2, 50),
    cells=st.sampled_from([60, 10_000]), k=st.integers(1, 6),
)  # fmt: skip
@settings(deadline=None, max_examples=12)
def test_neighbours_are_those_of_brute_force(
    seed: int, width: int, levels: int, cells: int, k: int
) -> None:
    """As near as the k nearest others by every distance, also where many rows are equal."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, levels, (40, width)).astype(float)
    asked, among = np.sort(rng.permutation(40)[:12]), np.arange(5, 40)
    found = nearest(lambda rows: points[rows], asked, among, k, width, cells)
    assert found.shape == (12, k)
    for row, near in zip(asked, found, strict=True):
        assert row not in near
        assert len(set(near)) == k
        assert set(near) <= set(among)
        others = among[among != row]
        wanted = np.sort(np.linalg.norm(points[others] - points[row], axis=1))[:k]
        np.testing.assert_allclose(np.linalg.norm(points[near] - points[row], axis=1), wanted)


def test_nobody_asked_is_nobody_found() -> None:
    """An empty class has an empty graph."""
    found = nearest(lambda rows: np.zeros((len(rows), 2)), np.arange(0), np.arange(5), 3, 2)
    assert found.shape == (0, 3)
