"""A histogram that takes many values at once, for what is counted behind the answers too."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

MOST_SERIES = 128  # label sets; the one that was not touched for longest goes first


@dataclass
class Series:
    """Values by bucket, and their sum."""

    counts: list[int]
    total: float = 0.0


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
        self.bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._series: OrderedDict[tuple[str, ...], Series] = OrderedDict()

    def add(self, labels: tuple[str, ...], values: Iterable[float]) -> None:
        """Count the values; those that are no finite number are left out."""
        with self._lock:
            series = self._of(labels)
            for value in values:
                if math.isfinite(value):
                    series.counts[bisect_left(self.bounds, value)] += 1
                    series.total += value

    def collect(self) -> Iterable[Metric]:
        """The family as Prometheus wants it: cumulative counts."""
        family = HistogramMetricFamily(self.name, self.words, labels=self.labels)
        names = [*(str(float(bound)) for bound in self.bounds), "+Inf"]
        with self._lock:
            found = [(k, tuple(one.counts), one.total) for k, one in self._series.items()]
        for labels, counts, total in found:
            buckets = list(zip(names, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, total)
        yield family

    def _of(self, labels: tuple[str, ...]) -> Series:
        known = self._series.get(labels)
        if known is None:
            known = self._series[labels] = Series([0] * (len(self.bounds) + 1))
            if len(self._series) > self.most:
                self._series.popitem(last=False)
        else:
            self._series.move_to_end(labels)
        return known
