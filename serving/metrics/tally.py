"""Counters and levels that live in memory, whatever else was imported.

`prometheus_client`'s own keep their values in files below the folder that
`PROMETHEUS_MULTIPROC_DIR` names, and Feast sets that variable when it is imported: a server whose
disk is full would fall over its own counters. So only the families and the text formats are taken
from there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Tally(Collector):
    """Counts for each set of label values.

    Args:
        name: of the metric, without `_total`.
        words: what it says, for people.
        labels: their names.
        known: label values that are there from the start: what appears with its first count has
            no rate.
    """

    def __init__(
        self,
        name: str,
        words: str,
        labels: Sequence[str],
        known: Iterable[tuple[str, ...]] = (),
    ) -> None:
        self.name, self.words, self.labels = name, words, tuple(labels)
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], int] = dict.fromkeys(known, 0)

    def add(self, labels: tuple[str, ...], count: int = 1) -> None:
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + count

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self.name, self.words, labels=self.labels)
        with self._lock:
            found = tuple(self._counts.items())
        for labels, count in found:
            family.add_metric(labels, count)
        yield family


class Level(Collector):
    """A number that goes up and down; one thread moves it."""

    def __init__(self, name: str, words: str) -> None:
        self.name, self.words, self.value = name, words, 0

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(self.name, self.words, value=self.value)
