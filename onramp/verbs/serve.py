"""Answer over HTTP with the champion of each task."""

from __future__ import annotations

import click

from onramp.options import Place, common


@click.command()
@common
@click.option("--host", help="Address to bind; default: ONRAMP_HOST or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: ONRAMP_PORT or 8000.")
@click.option("--public", is_flag=True, help="Allow an address that others can reach.")
def command(place: Place, host: str | None, port: int | None, public: bool) -> None:
    """Answer over HTTP with the champion of each task.

    A promotion or a rollback shows within two seconds, without a restart.
    """
    from serving.server import serve
    from tasks import supported

    tasks = tuple(supported(place.home.dataset()).values())
    serve(
        place.home,
        tasks,
        host=host or place.host,
        port=place.port if port is None else port,
        public=public,
    )
