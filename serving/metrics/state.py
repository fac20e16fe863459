"""What is read of the service when Prometheus asks, and counted by nobody in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.log_writer import LogState
from serving.seat import Seat


class Seats(Collector):
    """Who serves each task, since when, and whether the registry wants it otherwise."""

    def __init__(self, seats: Mapping[str, Seat]) -> None:
        self.seats = seats

    def collect(self) -> Iterable[Metric]:
        taken = GaugeMetricFamily(
            "onramp_champion_seated", "1 when a champion answers for the task.", labels=["task"]
        )
        trouble = GaugeMetricFamily(
            "onramp_champion_trouble",
            "1 when the seat is not what the registry says it should be; /ready says why.",
            labels=["task"],
        )
        version = GaugeMetricFamily(
            "onramp_champion_version", "The version that answers.", labels=["task"]
        )
        since = GaugeMetricFamily(
            "onramp_champion_since_timestamp_seconds", "Since when it answers.", labels=["task"]
        )
        for task, seat in self.seats.items():
            sitting = seat.sitting
            taken.add_metric([task], float(sitting is not None))
            trouble.add_metric([task], float(bool(seat.trouble)))
            if sitting is not None:
                version.add_metric([task], float(sitting.champion.version))
                since.add_metric([task], sitting.since.timestamp())
        return (taken, trouble, version, since)


class LogRows(Collector):
    """The prediction log's rows: written, lost, waiting; and whether the disk refuses."""

    def __init__(self, state: Callable[[], LogState]) -> None:
        self.state = state

    def collect(self) -> Iterable[Metric]:
        state = self.state()
        rows = CounterMetricFamily(
            "onramp_prediction_log_rows",
            "Rows of the prediction log by what became of them.",
            labels=["outcome"],
        )
        rows.add_metric(["written"], state.written)
        rows.add_metric(["dropped"], state.dropped)
        rows.add_metric(["unreadable"], state.unreadable)
        waiting = GaugeMetricFamily(
            "onramp_prediction_log_waiting_rows", "Rows not yet written.", value=state.waiting
        )
        trouble = GaugeMetricFamily(
            "onramp_prediction_log_trouble",
            "1 when the last write of the prediction log failed; /ready says why.",
            value=float(bool(state.trouble)),
        )
        return (rows, waiting, trouble)


class Events(Collector):
    """Events that the server was told of, and customers whose features do not hold them yet."""

    def __init__(self, state: Callable[[], Mapping[str, Any]]) -> None:
        self.state = state

    def collect(self) -> Iterable[Metric]:
        state = self.state()
        events = CounterMetricFamily(
            "onramp_events", "Events sent, by what became of them.", labels=["outcome"]
        )
        events.add_metric(["kept"], state["kept"])
        events.add_metric(["not_kept"], state["events"] - state["kept"])
        events.add_metric(["refused"], state["refused"])
        late = GaugeMetricFamily(
            "onramp_events_late_customers",
            "Customers whose events are kept and whose features do not hold them yet.",
            value=state["late"],
        )
        trouble = GaugeMetricFamily(
            "onramp_events_trouble",
            "1 when features could not be brought up to date; /ready says why.",
            value=float(bool(state["trouble"])),
        )
        return (events, late, trouble)
