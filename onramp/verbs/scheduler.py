"""Call the verbs when their time has come, until stopped."""

from __future__ import annotations

from pathlib import Path

import click

from onramp.duration import Duration
from onramp.options import Place, common


@click.command()
@common
@click.option("--schedule", type=click.Path(path_type=Path), metavar="FILE",
              help="Default: schedule.toml in the home, else the one that ships.")  # fmt: skip
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where new files arrive, for `ingest`.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535),
              help="Show /metrics on this port of 127.0.0.1; 0 takes a free one.")  # fmt: skip
@click.option("--wait", is_flag=True, help="Where another scheduler works, wait for its end.")
@click.option("--patience", type=Duration(), default=60.0, show_default="60s", metavar="TIME",
              help="When stopped, how long a verb under way may go on.")  # fmt: skip
@click.option("--check", is_flag=True, help="Say what would be called when, and end.")
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    schedule: Path | None,
    source: Path | None,
    port: int | None,
    wait: bool,
    patience: float,
    check: bool,
) -> None:
    """Call the verbs when their time has come, until stopped.

    The times are cron expressions in UTC, in a TOML file. Each verb runs in a process of its own.
    What was missed while the machine slept is made up for once. SIGTERM, or Ctrl-C, ends it after
    the verb under way; said twice, at once.
    """
    from onramp.scheduler.run import Wishes, check_schedule, run

    if check:
        check_schedule(place, schedule, source)
        return
    run(place, Wishes(file=schedule, source=source, port=port, wait=wait, patience=patience))
