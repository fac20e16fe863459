"""Bring a data set's files into the event store."""

from __future__ import annotations

from pathlib import Path

import click

from onramp.console import show
from onramp.options import Place, common
from onramp.shipped import dataset_file


@click.command()
@common
@click.argument("toml", metavar="DATASET", required=False)
@click.option("--from", "source", type=click.Path(path_type=Path),
              help="Folder that holds the data set's files.")  # fmt: skip
def command(place: Place, toml: str | None, source: Path | None) -> None:
    """Bring a data set's files into the event store.

    DATASET is a TOML file, or the name of one that ships with Onramp; left out, the one this
    home already holds. Files that are in the store already are passed over.
    """
    from ingestion import ingest

    file = dataset_file(toml) if toml else place.home.dataset_file
    if toml is None:
        place.home.dataset()
    report = ingest(place.home, file, source, progress=place.progress)
    show(report, report.lines(), as_json=place.as_json)
