"""The schedule: which verbs are called when, as data; checked before anything runs."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from lifecycle.duration import seconds_in
from lifecycle.errors import OnrampError, UsageError
from lifecycle.home import Home
from onramp.cli import VERBS
from onramp.scheduler.cron import Cron

SHIPPED = Path(__file__).resolve().parent.parent / "schedule.toml"
KEYS = {"at", "verbs", "limit"}
LIMIT_SECONDS = 6 * 3600.0
ENDLESS = ("serve", "scheduler", "dashboard", "join")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Verbs that are called one after the other.

    Attributes:
        steps: the words of each call, without `onramp`.
        limit_seconds: a call that takes longer is ended.
    """

    name: str
    cron: Cron
    steps: tuple[tuple[str, ...], ...]
    limit_seconds: float = LIMIT_SECONDS


def read_schedule(home: Home, file: Path | None, source: Path | None) -> tuple[Run, ...]:
    """The runs of the file, else of the home's own, else of the one that ships.

    Args:
        home: whose schedule.
        file: named by a person.
        source: the folder that `ingest` takes where its line names none.

    Raises:
        UsageError: there is no such file, or a line in it cannot be taken.
    """
    own = home.schedule_file if home.schedule_file.exists() else SHIPPED
    path = file or own
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"No schedule can be read in {path}.", found=f"{error}.") from error
    try:
        runs = tuple(run_of(name, words, source) for name, words in found.items())
    except OnrampError as error:
        raise UsageError(f"The schedule {path} cannot be taken.", found=str(error)) from error
    chosen = tuple(run for run in runs if run.steps)
    if not chosen:
        raise UsageError(f"The schedule {path} names nothing to do.")
    return chosen


def run_of(name: str, words: Any, source: Path | None) -> Run:
    """One table of the file; without steps where all of them are left out."""
    if not isinstance(words, Mapping) or not KEYS >= words.keys() >= {"at", "verbs"}:
        raise UsageError(f"[{name}] needs `at` and `verbs`, and takes `limit`; nothing else.")
    at, verbs, limit = words["at"], words["verbs"], words.get("limit")
    texts = isinstance(verbs, list) and all(isinstance(text, str) for text in verbs)
    if not isinstance(at, str) or not texts or not isinstance(limit, str | None):
        raise UsageError(f"[{name}] needs `at` as text and `verbs` as a list of texts.")
    steps = tuple(step for text in verbs if (step := step_of(name, text, source)))
    seconds = LIMIT_SECONDS if limit is None else seconds_in(limit)
    return Run(name=name, cron=Cron(at), steps=steps, limit_seconds=seconds)


def step_of(name: str, text: str, source: Path | None) -> tuple[str, ...]:
    """The words of one call, checked as the command line would; empty: left out."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"[{name}] {text!r} cannot be read.", found=f"{error}.") from error
    if words[:1] == ["ingest"] and not {"--from", "--follow"} & set(words):
        if source is None:
            return ()
        words += ["--from", str(source.expanduser().resolve())]
    check(name, text, words)
    return tuple(words)


def check(name: str, text: str, words: Sequence[str]) -> None:
    """Refuse at the start what would only be refused at night.

    Raises:
        UsageError: it is no verb, never ends, or takes other words.
    """
    if not words or words[0] not in VERBS:
        raise UsageError(f"[{name}] {text!r} begins with no verb of `onramp`.")
    if words[0] in ENDLESS or "--follow" in words:
        raise UsageError(f"[{name}] {text!r} never ends.", do="Start it as a service of its own.")
    if {"-h", "--help"} & set(words):
        return
    verb: click.Command = import_module(f"onramp.verbs.{words[0]}").command
    try:
        below, arguments = verb, list(words[1:])
        context = verb.make_context(words[0], arguments)
        if isinstance(verb, click.Group):
            _, found, rest = verb.resolve_command(
                context,
                [*context._protected_args, *context.args],  # noqa: SLF001  click's own way on
            )
            below = found or verb
            below.make_context(words[0], rest)
    except click.ClickException as error:
        raise UsageError(f"[{name}] {text!r} is refused.", found=error.format_message()) from error
