"""Say who decided what, when and why; check that nobody changed it since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import click

from lifecycle.errors import DataError
from onramp.console import show
from onramp.options import Place, common

if TYPE_CHECKING:
    from lifecycle.chain import Broken
    from lifecycle.ledger import Entry, Ledger

LONG = ("findings", "measured", "traceback")  # `--json` has them
WIDE = 100  # of a reason that is not asked for whole


@dataclass(frozen=True, kw_only=True)
class History:
    decisions: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Whether the ledger is as it was written.

    Attributes:
        rows: how many it has.
        newest: the hash of the newest row: kept elsewhere, it shows a ledger made anew.
    """

    whole: bool
    rows: int
    newest: str
    broken: tuple[Broken, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        if self.whole:
            newest = f", the newest with hash {self.newest}" if self.rows else ""
            return [f"The ledger is whole: {self.rows} rows{newest}."]
        return [
            "The ledger was changed since it was written:",
            *(f"  row {one.number}: {one.what}" for one in self.broken),
        ]


@click.command()
@common
@click.argument("task_name", metavar="[TASK]", required=False)
@click.option("--why", is_flag=True, help="Every reason and finding in full.")
@click.option("--newest", type=click.IntRange(min=1), default=20, show_default=True,
              help="So many decisions.")  # fmt: skip
@click.option("--verify", "check", is_flag=True, help="Check the chain of rows, of all tasks.")
def command(place: Place, task_name: str | None, why: bool, newest: int, check: bool) -> int:
    """Say who decided what, when and why; check that nobody changed it since.

    The newest decision comes first. --verify names every row that was edited, removed or
    inserted since it was written.

    Exit code 0: all is well. 3: with --verify, the ledger was changed.
    """
    from lifecycle.ledger import Ledger

    ledger = Ledger(place.home)
    if check:
        verified = verify(ledger)
        show(verified, verified.lines(), as_json=place.as_json)
        return 0 if verified.whole else DataError.exit_code
    found = History(decisions=ledger.read(known(task_name), newest=newest))
    show(found, list(lines(found, why=why)), as_json=place.as_json)
    return 0


def known(task_name: str | None) -> str | None:
    """The name, once it is one of a task."""
    from tasks import find

    return find(task_name).name if task_name else None


def verify(ledger: Ledger) -> Verified:
    """Hold the ledger against its own chain."""
    broken = ledger.verify()
    rows, newest = ledger.head()
    return Verified(whole=not broken, rows=rows, newest=newest, broken=broken)


def lines(found: History, *, why: bool) -> Iterator[str]:
    """The page a person reads."""
    if not found.decisions:
        yield "No decision was taken yet."
    for entry in found.decisions:
        yield (
            f"{entry.number:>4}  {entry.at}  {entry.task}  {entry.decision}{versions(entry)}"
            f"  ({entry.actor})"
        )
        if not why:
            yield f"      {shorten(entry.why, WIDE, placeholder=' …')}"
            continue
        yield f"      {entry.why}"
        yield from (f"        {words}" for words in findings(entry.evidence))


def versions(entry: Entry) -> str:
    """From which version to which, or which was held against which."""
    from lifecycle.ledger import MONITOR, MOVES

    if entry.version is None:
        return ""
    if entry.decision in MOVES and entry.actor != MONITOR:
        return f"  {entry.previous or '–'} → {entry.version}"
    return f"  {entry.version}{f' beside {entry.previous}' if entry.previous else ''}"


def findings(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Each finding of the gate in words, then what else is known in brief."""
    found = evidence.get("findings", ())
    if isinstance(found, Mapping):  # rows of before the chain, which named them as tags
        yield from map(str, found.values())
    else:
        yield from (f"{one['outcome']}: {one['rule']}. {one['words']}" for one in found)
    for name, value in evidence.items():
        if name not in LONG and value not in (None, [], {}, ""):
            yield f"{name}: {value}"
