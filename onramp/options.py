"""What every verb takes, so that each option means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifecycle.channels import channels
from lifecycle.errors import UsageError
from lifecycle.home import Home, open_home
from lifecycle.progress import Progress
from lifecycle.receiver import receiver
from lifecycle.task import Task, for_dataset
from onramp.console import bars
from tasks import find, supported

if TYPE_CHECKING:
    from lifecycle.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a verb works, who calls it and how it answers."""

    home: Home
    actor: str
    host: str
    port: int
    as_json: bool
    host_names: tuple[str, ...] = ()
    tokens_file: Path | None = None
    tokens: str = field(default="", repr=False)

    @property
    def progress(self) -> Progress:
        return bars(as_json=self.as_json)

    def task(self, name: str) -> Task:
        """The task as this home's data set asks it."""
        return for_dataset(find(name), self.home.dataset())

    def chosen(self, name: str | None, everything: bool) -> Mapping[str, Task]:
        """One task by name, or all that the data set supports."""
        if everything == (name is not None):
            raise UsageError("Which task?", do="Name one, such as `churn`, or say --all.")
        return {name: self.task(name)} if name else supported(self.home.dataset())


def common(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a verb `--home`, `--actor` and `--json`, and hand them down as one `place`."""

    @wraps(function)
    def handed(
        *, home: Path | None, actor: str | None, as_json: bool, **rest: object
    ) -> int | None:
        return function(locate(home, actor, as_json=as_json), **rest)

    for option in reversed(COMMON):
        handed = option(handed)
    return handed


def locate(home: Path | None, actor: str | None, *, as_json: bool) -> Place:
    """Read the settings once; options win over the environment."""
    from lifecycle.settings import load_settings  # noqa: PLC0415  pydantic is slow; `--help` needs none

    settings = load_settings()
    root = (home or settings.home).expanduser()
    home_there = open_home(
        root,
        settings.tracking_uri,
        settings.stores,
        receiver(settings.webhook_url, settings.webhook_secret.get_secret_value()),
        settings.receipts_days,
    )
    return Place(
        home=told(home_there, settings),
        actor=actor or settings.actor,
        host=settings.host,
        port=settings.port,
        as_json=as_json,
        host_names=tuple(name.strip() for name in settings.host_names.split(",") if name.strip()),
        tokens_file=settings.tokens_file,
        tokens=settings.tokens.get_secret_value(),
    )


def told(home: Home, settings: Settings) -> Home:
    """The home with whom to tell, or why that cannot be read: nobody's rollback waits for it."""
    try:
        found = channels(settings.notify_file, settings.notify.get_secret_value(), home.root)
    except UsageError as error:
        return replace(home, channels_problem=str(error))
    return replace(home, channels=found)


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:  # noqa: ARG001
    """Read a date or a time; one without a zone is UTC."""
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError as error:
        raise UsageError(
            f"{value!r} is not a time.", do="Write it as 2026-10-31 or 2026-10-31T08:00:00+00:00."
        ) from error
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


COMMON = (
    click.option("--home", type=click.Path(path_type=Path), help="The folder to work in."),
    click.option("--actor", help="Who is recorded in the ledger."),
    click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
)

as_of_option = click.option(
    "--as-of", callback=moment, metavar="TIME", help="Act as if it were this time."
)
all_option = click.option("--all", "everything", is_flag=True, help="Every supported task.")
task_argument = click.argument("task_name", metavar="[TASK]", required=False)
