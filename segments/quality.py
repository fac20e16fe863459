"""How good a clustering is, what the same would give without any segments, and which one wins.

Silhouette (Rousseeuw 1987) says how far apart the segments are. It is high for any cloud that is
cut in two, so it is held against clouds without segments (after Liu et al. 2008, SigClust): one
Gaussian of the same covariance, and the same columns shuffled on their own. Stability is the mean
adjusted Rand index (Hubert, Arabie 1985) of two fits on different resamples, on the customers that
both saw (after Ben-Hur et al. 2002).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_score

from segments.behaviour_model import Labels, Matrix
from segments.behaviour_report import Candidate
from segments.clusterings import ByKMeans, Clustering, Form, sample

KS = tuple(range(2, 9))

# Silhouettes are quadratic in rows.
SILHOUETTE_ROWS = 2_000
CLOUD_ROWS = 1_000
CLOUDS = 3
RESAMPLED_ROWS = 1_500
RESAMPLES = 4
RESAMPLED_SHARE = 2 / 3

# A clustering counts if resamples agree on it this far …
STABLE = 0.75
# … and it is this much better than the best of the clouds. Set after a look at 120 made-up clouds
# of ten shapes without segments: what was stable stayed within 0.045 for nine of them. The tenth,
# one skewed cause behind every column, came to 0.144: a long one-sided tail can pass for a segment.
BETTER = 0.05
# Silhouettes nearer than this are equal.
TIE = 0.01

UNSTABLE = "resamples disagree"


@dataclass(frozen=True, kw_only=True)
class Tried:
    candidate: Candidate
    form: Form


@contextmanager
def quietly() -> Iterator[None]:
    """A fit that did not settle shows in its figures: no reader needs the library's warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def silhouette(x: Matrix, labels: Labels, seed: int, rows: int = SILHOUETTE_ROWS) -> float:
    """Mean silhouette over a sample of the rows; NaN where it is not defined."""
    both = sample(np.column_stack([x, labels]), rows, seed)
    some, of = both[:, :-1], both[:, -1]
    filled = len(np.unique(of))
    return float(silhouette_score(some, of)) if 1 < filled < len(some) else float("nan")


def cloud_silhouette(x: Matrix, k: int, seed: int) -> float:
    """The highest silhouette of K-Means on clouds as wide as x that hold no segments."""
    rng = np.random.default_rng([seed, k])
    some = sample(x, CLOUD_ROWS, seed)
    shapes = [one for _ in range(CLOUDS) for one in clouds(some, rng)]
    return max(silhouette(c, ByKMeans().fit(c, k, seed).labels(c), seed) for c in shapes)


def clouds(x: Matrix, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """One Gaussian of the covariance of x; the columns of x, each shuffled on its own."""
    covariance = np.atleast_2d(np.cov(x, rowvar=False))
    # By eigenvectors: columns that depend on each other leave no Cholesky factor.
    values, vectors = np.linalg.eigh(covariance)
    spread = vectors * np.sqrt(np.maximum(values, 0.0))
    gaussian = x.mean(axis=0) + rng.standard_normal(x.shape) @ spread.T
    return gaussian, np.column_stack([rng.permutation(column) for column in x.T])


def stability(x: Matrix, clustering: Clustering, k: int, seed: int) -> float:
    """Mean adjusted Rand index of pairs of fits, each on two thirds, where the two overlap."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for pair in range(RESAMPLES):
        pool = x if len(x) <= RESAMPLED_ROWS else x[rng.choice(len(x), RESAMPLED_ROWS, False)]
        size = max(k, int(len(pool) * RESAMPLED_SHARE))
        one, other = (np.sort(rng.choice(len(pool), size, replace=False)) for _ in range(2))
        shared = pool[np.intersect1d(one, other)]
        fits = [clustering.fit(pool[rows], k, seed + 2 * pair + n)
                for n, rows in enumerate((one, other))]  # fmt: skip
        found.append(adjusted_rand_score(fits[0].labels(shared), fits[1].labels(shared)))
    return float(np.mean(found))


def measure(x: Matrix, clustering: Clustering, k: int, seed: int, cloud: float) -> Tried:
    """Fit one clustering and measure what its form assigns.

    Args:
        x: shape (customers, columns).
        clustering: what is fitted.
        k: into how many.
        seed: of the fit and of the resamples.
        cloud: what `cloud_silhouette` gave for k.
    """
    with quietly():
        form = clustering.fit(x, k, seed)
        labels = form.labels(x)
        measured = Candidate(
            algorithm=clustering.name, k=k, silhouette=silhouette(x, labels, seed), cloud=cloud,
            stability=float("nan"),
            smallest=float(np.bincount(labels, minlength=k).min() / len(x)),
        )  # fmt: skip
        # Resampling costs ten times the rest, and would not save what a cloud does as well.
        if fault(measured) == UNSTABLE:
            measured = replace(measured, stability=stability(x, clustering, k, seed))
    return Tried(candidate=measured, form=form)


def judge(candidates: Sequence[Candidate], continued: str) -> list[Candidate]:
    """Say of each candidate why it was chosen or not; none is chosen where none is sound.

    Of those that are stable and better than a cloud, the best silhouette wins. Among equals the
    one that continues the segments in force, then the fewest segments, then the order given.

    Args:
        candidates: in order of preference.
        continued: name of the algorithm that goes on from the segments in force.
    """
    faults = [fault(one) for one in candidates]
    sound = [one for one, wrong in zip(candidates, faults, strict=True) if not wrong]
    top = max((one.silhouette for one in sound), default=0.0)
    equals = [one for one in sound if one.silhouette >= top - TIE]
    chosen = min(equals, key=lambda one: (one.algorithm != continued, one.k), default=None)
    verdicts = (
        wrong or ("chosen" if one is chosen else "another is as good or better")
        for one, wrong in zip(candidates, faults, strict=True)
    )
    return [replace(one, verdict=said) for one, said in zip(candidates, verdicts, strict=True)]


def fault(one: Candidate) -> str:
    """Why a candidate cannot be chosen; empty when it can."""
    if one.smallest == 0 or np.isnan(one.silhouette):
        return "a segment stayed empty"
    # Asked so that a figure that could not be measured is a fault too.
    if not one.silhouette >= one.cloud + BETTER:
        return "no better than a cloud without segments"
    if not one.stability >= STABLE:
        return UNSTABLE
    return ""
