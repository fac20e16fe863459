"""The two-sample Kolmogorov–Smirnov test: the largest gap between two distribution functions.

In numpy alone, because a server asks it too and SciPy takes a while to load.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

CERTAIN = 0.2  # below it the limit is 1 to twelve places, and the series slow
TERMS = np.arange(1, 21)  # from there on, what follows is less than 1e-13


def gap(one: Numbers, other: Numbers) -> float:
    """The largest gap between two samples' distribution functions; ties are one step.

    Args:
        one: values, shape (rows,).
        other: the other sample's.
    """
    places, at = np.unique(np.concatenate([one, other]), return_inverse=True)
    counts = [np.bincount(side, minlength=len(places)) for side in np.split(at, [len(one)])]
    return gap_of_counts(*counts)


def gap_of_counts(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The same of two samples in counts.

    Args:
        one: rows at each place, places in rising order, shape (places,).
        other: the other sample's.
    """
    shares = (np.cumsum(side) / np.sum(side) for side in (one, other))
    return float(np.abs(np.subtract(*shares)).max())


def by_chance(distance: float, one: float, other: float) -> float:
    """How likely a gap as large is between two samples of one population, at most.

    Kolmogorov's limit with the correction for small samples of Stephens (1970, Use of the
    Kolmogorov–Smirnov statistics without extensive tables). Ties and bins make it too large,
    never too small.

    Args:
        distance: the gap.
        one: rows of one sample.
        other: rows of the other.
    """
    size = math.sqrt(one * other / (one + other))
    reach = (size + 0.12 + 0.11 / size) * distance
    if reach < CERTAIN:
        return 1.0
    return min(1.0, 2.0 * float(-((-1.0) ** TERMS @ np.exp(-2.0 * (TERMS * reach) ** 2))))
