"""The instruments of one server, in a registry of its own: two servers in a process share none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from lifecycle.prediction import Prediction
from serving.guard import Failed, attempt
from serving.log_writer import LogState
from serving.metrics.spread import Spread
from serving.metrics.state import Events, LogRows, Seats
from serving.metrics.tally import Level, Tally
from serving.seat import Seat

# Dense from 1 ms to the 200 ms that are promised, so that a p99 between them is a figure.
SECONDS = (
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
SCORES = tuple(step / 20 for step in range(1, 21))
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
AGES = (
    1.0, 10.0, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY,
    14 * DAY, 30 * DAY, 90 * DAY,
)  # fmt: skip
# A second is promised; beyond it the buckets say how far.
VISIBLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0, MINUTE)
SERVED = ("online", "invocations", "canary")  # a shadow's answer reaches nobody
SHED_FOR = ("full", "waited", "slow")


class Metrics:
    """What is counted while requests are answered, and what is read when Prometheus asks.

    Whoever has more to count registers a collector of its own with `registry`.

    Args:
        now: the data set's clock, by which features age.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.registry = CollectorRegistry()
        self.requests = Tally(
            "onramp_http_requests", "Requests by route and status.", ("route", "status")
        )
        self.seconds = Spread(
            "onramp_http_request_duration_seconds",
            "From the first byte to the last, by route and class of status.",
            ("route", "status"), SECONDS,
        )  # fmt: skip
        self.in_flight = Level("onramp_http_requests_in_flight", "Requests being answered.")
        self._shed = Tally(
            "onramp_http_requests_shed", "Requests sent away for load, by reason.", ("reason",),
            known=((reason,) for reason in SHED_FOR),
        )  # fmt: skip
        self._customers = Tally(
            "onramp_customers",
            "Customers asked about, by task and by what could be said of them.",
            ("task", "status"),
        )
        self.scores = Spread(
            "onramp_prediction_score", "Predictions, by task, version and origin.",
            ("task", "version", "origin"), SCORES,
        )  # fmt: skip
        self.ages = Spread(
            "onramp_feature_age_seconds", "Age of the features that were answered from.",
            ("task",), AGES,
        )  # fmt: skip
        self._visible = Spread(
            "onramp_events_visible_seconds",
            "From an event's arrival until the online store had its customer's features.",
            (), VISIBLE,
        )  # fmt: skip
        ours = (self.requests, self.seconds, self.in_flight, self._shed, self._customers)
        for instrument in (*ours, self.scores, self.ages, self._visible):
            self.registry.register(instrument)
        ProcessCollector(registry=self.registry)

    def watch(self, seats: Mapping[str, Seat], log: Callable[[], LogState]) -> None:
        """Read the seats and the prediction log whenever Prometheus asks."""
        self.registry.register(Seats(seats))
        self.registry.register(LogRows(log))

    def follow(self, events: Callable[[], Mapping[str, Any]]) -> None:
        """Read how new events fare, as /ready says it, whenever Prometheus asks."""
        self.registry.register(Events(events))

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.add((route, str(status)))
        self.seconds.add((route, f"{status // 100}xx"), (seconds,))

    def shed(self, reason: str) -> None:
        """One request was sent away for load: too many wait, it waited or it took too long."""
        self._shed.add((reason,))

    def customers(self, task: str, statuses: Iterable[str]) -> None:
        """Count customers who were asked about: scored, unknown, stale, unavailable."""
        for status, count in Counter(statuses).items():
            self._customers.add((task, status), count)

    def visible(self, events: int, seconds: float) -> None:
        """So many events are in their customers' features, so long after they came."""
        self._visible.add((), [seconds] * events)

    def answered(self, predictions: Sequence[Prediction]) -> None:
        """Count scores and ages of rows on their way to the prediction log."""
        scores: dict[tuple[str, str, str], list[float]] = {}
        moments: dict[str, list[datetime]] = {}
        for row in predictions:
            key: tuple[str, str, str] = (row.task, str(row.version), row.origin)
            scores.setdefault(key, []).append(row.prediction)
            if row.event_timestamp is not None and row.origin in SERVED:
                moments.setdefault(row.task, []).append(row.event_timestamp)
        for key, values in scores.items():
            self.scores.add(key, values)
        if not moments or isinstance(now := attempt(self.now), Failed):
            return
        for task, of_task in moments.items():
            ages = [max(0.0, (now.value - moment).total_seconds()) for moment in of_task]
            self.ages.add((task,), ages)
