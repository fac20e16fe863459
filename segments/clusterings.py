"""The clusterings that are tried, all by scikit-learn; each leaves the same form behind.

A customer who comes later is told by that form and not by the algorithm: K-Means and mini-batch
K-Means by the nearest centre, hierarchical clustering by the nearest mean of its clusters, a
Gaussian mixture by the component of the highest density. Every figure in a report is of what the
form assigns, so it is of what customers will get.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture

from segments.behaviour_model import Labels, Matrix

STARTS = 3
BATCH = 256

# Hierarchical clustering is quadratic in its rows, and a full covariance settles with few.
MOST_HIERARCHICAL = 2_000
MOST_MIXTURE = 5_000


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a clustering leaves behind (see `behaviour_model`).

    Attributes:
        centres: shape (k, columns).
        roots: shape (k, columns, columns); none: nearest centre.
        biases: shape (k,).
    """

    centres: Matrix
    roots: npt.NDArray[np.float64] | None = None
    biases: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.centres)

    def labels(self, x: Matrix) -> Labels:
        """The cluster of each row, shape (rows,)."""
        values = np.empty((len(x), len(self.centres)))
        for at, centre in enumerate(self.centres):
            away = x - centre
            if self.roots is not None and self.biases is not None:
                away = away @ self.roots[at]
            values[:, at] = -0.5 * np.einsum("ij,ij->i", away, away)
        if self.biases is not None:
            values += self.biases
        highest: Labels = values.argmax(axis=1).astype(np.int64)
        return highest


class Clustering(Protocol):
    """One algorithm."""

    @property
    def name(self) -> str: ...

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        """Cluster rows of shape (rows, columns) into k; the same seed gives the same form."""
        ...


@dataclass(frozen=True)
class ByKMeans:
    name: str = "k-means"

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        return Form(centres=KMeans(k, n_init=STARTS, random_state=seed).fit(x).cluster_centers_)


@dataclass(frozen=True)
class ByMiniBatch:
    """Online K-Means that starts from nothing."""

    name: str = "mini-batch k-means"

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        model = MiniBatchKMeans(k, batch_size=BATCH, n_init=STARTS, random_state=seed)
        return Form(centres=model.fit(x).cluster_centers_)


@dataclass(frozen=True)
class ByMiniBatchFurther:
    """Online K-Means that goes on from the centres in force.

    The past weighs as much as the rows that are new, split by the sizes of its segments: a
    centre moves half the way that a fresh fit would, and half of that remains next time.

    Attributes:
        centres: of the segments in force, in today's space, shape (k, columns).
        sizes: customers of each, shape (k,).
        still: the rows are those that the segments were fitted on: nothing is new.
    """

    centres: Matrix
    sizes: npt.NDArray[np.float64]
    still: bool = False
    name: str = "mini-batch k-means, continued"

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        if self.still:
            return Form(centres=self.centres)
        model = MiniBatchKMeans(
            k, init=self.centres, n_init=1, random_state=seed, reassignment_ratio=0.0
        )
        # The first batch is the centres themselves: they stay, and the past gets its weight.
        past = np.maximum(self.sizes / self.sizes.sum() * len(x), 1.0)
        model.partial_fit(self.centres, sample_weight=past)
        shuffled = x[np.random.default_rng(seed).permutation(len(x))]
        for batch in np.array_split(shuffled, -(-len(x) // BATCH)):
            model.partial_fit(batch)
        return Form(centres=model.cluster_centers_)


@dataclass(frozen=True)
class ByHierarchy:
    """Ward's, on a sample where there are many rows."""

    name: str = "hierarchical"

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        some = sample(x, MOST_HIERARCHICAL, seed)
        labels = AgglomerativeClustering(k, linkage="ward").fit_predict(some)
        return Form(centres=np.stack([some[labels == one].mean(axis=0) for one in range(k)]))


@dataclass(frozen=True)
class ByMixture:
    name: str = "gaussian mixture"

    def fit(self, x: Matrix, k: int, seed: int) -> Form:
        some = sample(x, MOST_MIXTURE, seed)
        # Zeros pile up, and a component may not shrink onto them.
        model = GaussianMixture(k, random_state=seed, reg_covar=1e-3, max_iter=50, tol=1e-2)
        model.fit(some)
        roots = model.precisions_cholesky_
        inside = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        return Form(centres=model.means_, roots=roots, biases=np.log(model.weights_) + inside)


FRESH: tuple[Clustering, ...] = (ByKMeans(), ByMiniBatch(), ByHierarchy(), ByMixture())


def sample(x: Matrix, most: int, seed: int) -> Matrix:
    if len(x) <= most:
        return x
    return x[np.random.default_rng(seed).choice(len(x), most, replace=False)]
