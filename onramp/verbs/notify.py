"""Say who is told how retrain jobs end, and tell what waits; `--test` tries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lifecycle.errors import NotReady, UsageError
from onramp.console import show
from onramp.options import Place, common

if TYPE_CHECKING:
    from lifecycle.notify import Tried, Undelivered

UNTOLD = 1  # the exit code where somebody was not told


@dataclass(frozen=True, kw_only=True)
class Notified:
    """The channels by name, with what they are told of, and what nobody took."""

    channels: Mapping[str, tuple[str, ...]]
    tried: tuple[Tried, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()

    def lines(self) -> list[str]:
        """What a person reads."""
        if self.tried:
            return [f"{one.channel} ({one.kind}): {one.problem or 'taken.'}" for one in self.tried]
        found = [f"{name}: {', '.join(on)}" for name, on in self.channels.items()]
        return [*found, *(one.words for one in self.undelivered)]


@click.command()
@common
@click.option("--test", "test", is_flag=True, help="Send each of them a test message.")
def command(place: Place, test: bool) -> int:
    """Say who is told how retrain jobs end, and tell what waits; `--test` tries it.

    Exit code 0: everybody was told. 1: somebody was not. 4: there is nobody to tell.
    """
    from lifecycle.notify import tell, try_out, undelivered

    home = place.home
    if home.channels_problem:
        raise UsageError("Whom to tell cannot be read.", found=home.channels_problem)
    if not home.channels:
        raise NotReady(
            "There is nobody to tell.",
            found="No channel is set.",
            do=f"Write {home.root / 'notify.toml'} as docs/retraining.md says, "
            "or name another file in ONRAMP_NOTIFY_FILE.",
        )
    named: Mapping[str, tuple[str, ...]] = {
        channel.name: tuple(channel.on) for channel in home.channels
    }
    if test:
        report = Notified(channels=named, tried=try_out(home, place.actor))
        failed = any(one.problem for one in report.tried)
    else:
        tell(home)
        report = Notified(channels=named, undelivered=undelivered(home))
        failed = bool(report.undelivered)
    show(report, report.lines(), as_json=place.as_json)
    return UNTOLD if failed else 0
