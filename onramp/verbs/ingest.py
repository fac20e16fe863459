"""Bring a data set's files into the event store."""

from __future__ import annotations

from pathlib import Path

import click

from lifecycle.errors import UsageError
from onramp.console import show
from onramp.options import Place, common
from onramp.recorded import recorded
from onramp.shipped import dataset_file


@click.command()
@common
@recorded("ingest")
@click.argument("toml", metavar="DATASET", required=False)
@click.option("--from", "source", type=click.Path(path_type=Path),
              help="Folder that holds the data set's files.")  # fmt: skip
@click.option("--follow", is_flag=True,
              help="Go on until stopped; keep online features fresh.")  # fmt: skip
@click.option("--stream", metavar="URL",
              help="With --follow: a Redis stream, redis://HOST:PORT/DATABASE/NAME.")  # fmt: skip
def command(
    place: Place, toml: str | None, source: Path | None, follow: bool, stream: str | None
) -> None:
    """Bring a data set's files into the event store.

    DATASET is a TOML file, or the name of one that ships with Onramp; left out, the one this
    home already holds. Files that are in the store already are passed over.

    With --follow it takes new files of the folder, or new events of a Redis stream, as they
    come, and the online store has their customers' features a moment later. Ctrl-C ends it.
    """
    file = dataset_file(toml) if toml else place.home.dataset_file
    if toml is None:
        place.home.dataset()
    if follow:
        from onramp.follow import follow_source

        follow_source(place, file, source, stream)
        return
    if stream:
        raise UsageError("A stream has no end.", do="Say --follow as well.")
    from ingestion import ingest
    from ingestion.drain import drain

    drain(place.home)
    report = ingest(place.home, file, source, progress=place.progress)
    show(report, report.lines(), as_json=place.as_json)
