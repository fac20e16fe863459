"""Who is champion, by registry and ledger: one that was lost is not one that never was."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Moves
from lifecycle.registry import Registry, Version

# rows of these always tell of a champion; of others only where a move wrote them: a monitor's
# "roll back" is advice
CHAMPION_ROWS = ("promote", "approve")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whom a version is held against.

    Attributes:
        champion: the version that holds the alias; None: none does.
        lost: why none does although one was champion; empty: one does, or none ever was.
    """

    champion: Version | None
    lost: str = ""

    @property
    def number(self) -> int | None:
        """The champion's."""
        return self.champion.number if self.champion else None

    @property
    def name(self) -> str:
        """As a version's page says whom it was judged against."""
        if self.champion is not None:
            return str(self.champion.number)
        return "a champion that is lost" if self.lost else "no champion yet"


def standing(home: Home, registry: Registry, task: str) -> Standing:
    """Who is champion, or why nobody is any more.

    MLflow takes a deleted version's aliases away with it: of the registry alone, the next
    promotion would look like a task's first.
    """
    champion = registry.holder(task, "champion")
    if champion is not None:
        return Standing(champion=champion)
    named, row = registry.aliases(task).get("champion"), champion_row(home, task)
    if named is None and row is None:
        return Standing(champion=None)
    has = (
        f"the alias champion names version {named}, which is not there"
        if named
        else "no version has the alias champion"
    )
    told = f", row {row.number} of the ledger made version {row.version} champion" if row else ""
    return Standing(
        champion=None,
        lost=f"the champion is lost: {has}{told}. Restore it, or put an earlier one in its place "
        f"with `onramp rollback {task}` (`--to N`), and promote then.",
    )


def champion_row(home: Home, task: str) -> Entry | None:
    """The newest row of the ledger that tells of a change of champion."""
    if not home.platform.exists():
        return None
    marks = ", ".join("?" * len(CHAMPION_ROWS))
    moved = ", ".join(map(str, Moves(home).rows(task)))
    tells = f"task = ? AND (decision IN ({marks}) OR number IN ({moved}))"
    return next(iter(Ledger(home).select(tells, (task, *CHAMPION_ROWS), 1)), None)
