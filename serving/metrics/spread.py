"""A histogram that takes many values at once, for what is counted behind the answers.

`prometheus_client`'s own takes one value a call, some microseconds each: a flush of 5,000 rows
would hold the interpreter for longer than an answer may take.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

MOST_SERIES = 64  # label sets; the one that was not touched for longest goes first


class Spread(Collector):
    """Counts by bucket for each set of label values.

    Args:
        name: of the metric, in base units.
        words: what it says, for people.
        labels: their names.
        bounds: upper bounds of the buckets, ascending; above the last there is one more.
        most: label sets that are kept, so that years of versions do not pile up.
    """

    def __init__(
        self,
        name: str,
        words: str,
        labels: Sequence[str],
        bounds: Sequence[float],
        *,
        most: int = MOST_SERIES,
    ) -> None:
        self.name, self.words, self.labels, self.most = name, words, tuple(labels), most
        self.bounds = np.asarray(bounds, dtype=float)
        self._lock = threading.Lock()
        self._series: OrderedDict[tuple[str, ...], tuple[np.ndarray, float]] = OrderedDict()

    def add(self, labels: Sequence[str], values: Sequence[float]) -> None:
        """Count the values; those that are no finite number are left out."""
        finite = np.asarray(values, dtype=float)
        finite = finite[np.isfinite(finite)]
        places = np.searchsorted(self.bounds, finite, side="left")
        more = np.bincount(places, minlength=len(self.bounds) + 1)
        key = tuple(labels)
        with self._lock:
            counts, total = self._series.pop(key, (np.zeros_like(more), 0.0))
            self._series[key] = counts + more, total + float(finite.sum())
            while len(self._series) > self.most:
                self._series.popitem(last=False)

    def collect(self) -> Iterable[Metric]:
        """The family as Prometheus wants it: cumulative counts."""
        family = HistogramMetricFamily(self.name, self.words, labels=self.labels)
        names = [*(str(bound) for bound in self.bounds.tolist()), "+Inf"]
        with self._lock:
            series = list(self._series.items())
        for key, (counts, total) in series:
            reached = np.cumsum(counts).tolist()
            family.add_metric(key, list(zip(names, reached, strict=True)), total)
        yield family
