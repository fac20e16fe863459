"""`GET /metrics`: the instruments as Prometheus or OpenMetrics reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response


def page(registry: CollectorRegistry, accept: str) -> Response:
    """Everything that the registry holds, in the format that the Accept header asks for."""
    encode, kind = choose_encoder(accept)
    return Response(encode(registry), headers={"content-type": kind})
