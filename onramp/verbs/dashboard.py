"""Show how the models fare, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from onramp.console import show
from onramp.options import Place, common

PORT = 8010


@click.command()
@common
@click.option("--write", "folder", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Write index.html into this folder, and end.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True,
              help="Of 127.0.0.1; 0 takes a free one.")  # fmt: skip
@click.option("--mlflow", metavar="URL", help="Where MLflow's pages are; default: the tracking "
              "server, else where `mlflow ui` answers.")  # fmt: skip
def command(place: Place, folder: Path | None, port: int, mlflow: str | None) -> None:
    """Show how the models fare, on one page.

    Who serves, quality over time, drift by feature, alarms with their reasons, jobs, freshness.
    Served on 127.0.0.1 until Ctrl-C, beside /metrics for Prometheus; or written as one file.
    """
    from onramp.dashboard.links import mlflow_address
    from onramp.dashboard.write import routes, write_page

    address = mlflow_address(place.home, mlflow)
    if folder is not None:
        written = write_page(place.home, folder, address)
        show(written, written.lines(), as_json=place.as_json)
        return
    from onramp.local_pages import app, metrics_route, shown
    from onramp.scheduler.stopping import Stopping, by_signals

    stopping = Stopping(0.0)
    pages = app([*routes(place.home, address), metrics_route(place.home)])
    with by_signals(stopping), shown(pages, port) as own:
        show({"address": own}, [f"The dashboard is at {own} (stop with Ctrl-C)"],
             as_json=place.as_json)  # fmt: skip
        while not stopping.asked:
            stopping.wait(3600.0)
