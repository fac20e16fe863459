"""`GET /metrics`: the instruments as Prometheus or OpenMetrics reads them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response


def page(registry: CollectorRegistry, accept: str) -> Response:
    """Everything that the registry holds, in the format that the Accept header asks for."""
    encode, kind = choose_encoder(accept)
    return Response(encode(WithoutBirthdays(registry)), headers={"content-type": kind})


class WithoutBirthdays(Collector):
    """A registry without the `_created` series, which Prometheus would store for nobody."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self.registry.collect():
            metric.samples = [s for s in metric.samples if s.name != f"{metric.name}_created"]
            yield metric
