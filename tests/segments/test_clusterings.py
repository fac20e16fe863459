"""Every clustering finds what was planted, repeats itself, and can go on from where it was."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from segments.clusterings import FRESH, ByMiniBatchFurther, Clustering, Form

CENTRES = np.array([[0.0, 0.0, 6.0], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0]])
TRUTH = np.arange(900) % 3


def blobs(seed: int = 0) -> np.ndarray:
    return CENTRES[TRUTH] + np.random.default_rng(seed).normal(size=(len(TRUTH), 3))


def further(**facts: object) -> ByMiniBatchFurther:
    return ByMiniBatchFurther(
        centres=CENTRES, sizes=np.full(3, 100.0),
        **facts,  # type: ignore[arg-type]  # facts of a test
    )  # fmt: skip


@pytest.mark.parametrize("clustering", [*FRESH, further()], ids=lambda one: one.name)
def test_what_was_planted_is_found(clustering: Clustering) -> None:
    """Three blobs far apart come back as three clusters, the same ones for the same seed."""
    form = clustering.fit(blobs(), 3, seed=1)
    assert adjusted_rand_score(TRUTH, form.labels(blobs())) > 0.99
    again = clustering.fit(blobs(), 3, seed=1)
    assert np.array_equal(again.centres, form.centres)


def test_going_on_moves_half_the_way() -> None:
    """The past weighs as much as what is new, so a centre goes to the middle, in its place."""
    shift = np.array([1.0, 1.0, 1.0])
    form = further().fit(blobs() + shift, 3, seed=0)
    assert form.centres - CENTRES == pytest.approx(np.tile(shift / 2, (3, 1)), abs=0.1)


def test_nothing_new_moves_nothing() -> None:
    """On the rows that the centres were fitted on they stay, to the bit."""
    form = further(still=True).fit(blobs(), 3, seed=0)
    assert np.array_equal(form.centres, CENTRES)


def test_the_first_of_equals_wins() -> None:
    """A customer midway is always told the same."""
    form = Form(centres=np.array([[-1.0], [1.0]]))
    assert form.labels(np.zeros((1, 1))).tolist() == [0]
