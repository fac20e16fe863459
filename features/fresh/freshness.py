"""Bring customers' features up to a moment, in the online store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from features.fresh.freshened import Freshened
from features.fresh.target import Target
from features.fresh.vectors import Computer
from lifecycle.home import Home

# Customers computed at once: bounds memory, and how long a customer waits for others.
AT_ONCE = 2_000


class Fresh:
    """Fresh features of a home. One thread at a time; processes may share the home.

    A row's moment is when the newest event that made it necessary was received. It equals the
    row that a build of that moment makes, because it is made by the same SQL of all that was
    received by then; that no later event can be received by then, the journal's clock sees to.

    Args:
        home: with an event store and applied features.
        days: of the training moments after sign-up; whoever has one ahead has features.
    """

    def __init__(self, home: Home, days: Sequence[int] = ()) -> None:
        self.computer = Computer(home, days)
        self.target = Target(home, self.computer.tables)

    def refresh(self, customers: Collection[str], moment: datetime) -> Freshened:
        """Compute the customers' rows at a moment and put them into the online store.

        Args:
            customers: whoever it is; nobody need be known.
            moment: handed out by the journal (`Taken.moment`), or by which everything is known.

        Raises:
            NotReady: the online store cannot be written, or holds other definitions.
            DataError: most rows break a bound.
        """
        names = sorted(customers)
        rows: dict[str, int] = {}
        held_back: dict[str, str] = {}
        nobody: frozenset[str] = frozenset()
        for at in range(0, len(names), AT_ONCE):
            found = self.computer.compute(names[at : at + AT_ONCE], moment)
            for view, taken in self.target.write(found.rows).items():
                rows[view] = rows.get(view, 0) + taken
            held_back |= found.held_back
            nobody |= found.nobody
        return Freshened(moment=moment, rows=rows, held_back=held_back, nobody=nobody)
