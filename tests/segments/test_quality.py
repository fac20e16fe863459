"""A clustering is chosen only if it repeats itself and beats clouds without segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from segments.behaviour_report import Candidate
from segments.clusterings import FRESH, ByKMeans, ByMixture, Clustering
from segments.quality import cloud_silhouette, judge, measure, silhouette, stability

GOOD = Candidate(
    algorithm="k-means", k=3, silhouette=0.5, cloud=0.2, stability=0.9, smallest=0.2
)  # fmt: skip
KS = (2, 3, 4)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in a fit: two threads that share a core wait for each other."""
    with threadpool_limits(1):
        yield


def verdicts(*candidates: Candidate, continued: str = "continued") -> list[str]:
    return [one.verdict for one in judge(candidates, continued)]


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"stability": 0.5}, "resamples disagree"),
        ({"stability": float("nan")}, "resamples disagree"),
        ({"cloud": 0.56}, "no better than a cloud without segments"),
        ({"cloud": float("nan")}, "no better than a cloud without segments"),
        ({"smallest": 0.0}, "a segment stayed empty"),
        ({"silhouette": float("nan")}, "a segment stayed empty"),
    ],
)
def test_a_fault_is_named(fault: dict[str, float], verdict: str) -> None:
    """The best silhouette does not win with a fault, and the fault is its verdict."""
    best = replace(GOOD, **{"silhouette": 0.6, **fault})  # type: ignore[arg-type]  # by name
    assert verdicts(best, GOOD) == [verdict, "chosen"]
    assert verdicts(best) == [verdict]


def test_the_best_silhouette_wins() -> None:
    """Among the sound ones, whatever their number of segments."""
    assert verdicts(GOOD, replace(GOOD, k=7, silhouette=0.55))[1] == "chosen"


def test_among_equals_the_fewest_segments() -> None:
    """Silhouettes within 0.01 are equal: fewer segments win, then the algorithm named first."""
    near = replace(GOOD, silhouette=0.495)
    assert verdicts(replace(GOOD, k=4), near)[1] == "chosen"
    assert verdicts(near, replace(GOOD, algorithm="hierarchical"))[0] == "chosen"


def test_among_equals_the_one_that_goes_on() -> None:
    """Continuing the segments in force goes before fewer segments, but not before better ones."""
    further = replace(GOOD, algorithm="continued", k=5, silhouette=0.495)
    assert verdicts(GOOD, further)[1] == "chosen"
    assert verdicts(replace(GOOD, silhouette=0.52), further)[0] == "chosen"


def tried(x: np.ndarray, clusterings: Sequence[Clustering] = FRESH) -> list[Candidate]:
    clouds = {k: cloud_silhouette(x, k, 0) for k in KS}
    found = [measure(x, one, k, 0, clouds[k]).candidate for one in clusterings for k in KS]
    return judge(found, "")


def cloud(shape: str) -> np.ndarray:
    """Customers of one kind: alike but for chance, or on one long line from little to much."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((300, 6))
    return {"round": x, "long": x * [5, 1, 1, 1, 1, 1], "box": rng.random((300, 6)),
            "one cause": x + 2 * rng.standard_normal((300, 1))}[shape]  # fmt: skip


@pytest.mark.parametrize("shape", ["round", "long", "box", "one cause"])
def test_in_noise_nothing_is_chosen(shape: str) -> None:
    """However a cloud without segments is shaped, no clustering of it is claimed."""
    found = tried(cloud(shape), (ByKMeans(), ByMixture()))
    assert [one for one in found if one.verdict == "chosen"] == []


def test_a_long_cloud_is_refused_for_what_it_is() -> None:
    """Cut in two, it repeats itself perfectly well: stability alone would have claimed it."""
    two = tried(cloud("long"), [ByKMeans()])[0]
    assert stability(cloud("long"), ByKMeans(), 2, seed=0) > 0.75
    assert two.verdict == "no better than a cloud without segments"


def test_planted_segments_are_chosen() -> None:
    """Four blobs: four segments, with a silhouette and a stability near their highest."""
    rng = np.random.default_rng(0)
    x = 8 * np.eye(6)[:4][np.arange(300) % 4] + rng.standard_normal((300, 6))
    chosen = next(one for one in tried(x) if one.verdict == "chosen")
    assert (chosen.k, chosen.algorithm) == (4, "k-means")
    assert chosen.stability > 0.98
    assert chosen.silhouette > chosen.cloud + 0.3


def test_one_filled_segment_has_no_silhouette() -> None:
    """Where all are together nothing is apart from anything."""
    assert np.isnan(silhouette(np.ones((10, 2)), np.zeros(10, dtype=np.int64), seed=0))


def test_stability_is_seeded() -> None:
    """The same seed draws the same resamples."""
    x = np.random.default_rng(1).standard_normal((200, 3))
    assert stability(x, ByKMeans(), 3, 7) == stability(x, ByKMeans(), 3, 7)
