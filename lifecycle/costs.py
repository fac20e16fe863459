"""What an offer costs and what a customer who stays is worth, so that a task can act on money."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lifecycle.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The money behind a yes.

    An offer costs `offer` whoever gets it. One that reaches a customer who would have been a
    yes (would have left) saves `saved` with probability `accepted`; on anybody else it is lost.

    Attributes:
        offer: of one offer, in `currency`.
        saved: what is kept when the offer works, in `currency`.
        accepted: how often it works on those who would have left, in (0, 1].
        currency: as it is to be written, `EUR`; empty: bare numbers.

    Raises:
        UsageError: a figure that cannot be, or an offer that never pays.
    """

    offer: float
    saved: float
    accepted: float = 1.0
    currency: str = ""

    def __post_init__(self) -> None:
        figures = (self.offer, self.saved, self.accepted)
        possible = self.offer >= 0 and self.saved > 0 and 0 < self.accepted <= 1
        if not (all(map(math.isfinite, figures)) and possible):
            raise UsageError(
                "The costs of a task cannot be.",
                found=f"offer {self.offer:g}, saved {self.saved:g}, accepted {self.accepted:g}.",
                do="Give an offer of 0 or more, a saving above 0, and an acceptance in (0, 1].",
            )
        if self.offer >= self.worth:
            raise UsageError(
                "An offer that costs what it can save never pays.",
                found=f"It costs {self.money(self.offer)}; on a customer who is sure to leave it "
                f"saves {self.money(self.worth)} on average "
                f"({self.money(self.saved)} × {self.accepted:g}).",
                do="Make a cheaper offer, or check the figures of the task's `costs`.",
            )

    @property
    def worth(self) -> float:
        """What an offer saves on average where the customer would have left."""
        return self.saved * self.accepted

    @property
    def threshold(self) -> float:
        """The probability of leaving from which an offer pays, in [0, 1) (Elkan 2001)."""
        return self.offer / self.worth

    def money(self, amount: float) -> str:
        """`1,234.5 EUR`: two decimals at most, none where they are zeros."""
        text = f"{amount:,.2f}".rstrip("0").rstrip(".")
        return f"{'0' if text == '-0' else text} {self.currency}".strip()
