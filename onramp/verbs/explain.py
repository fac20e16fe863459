"""Replay a past answer by its receipt, and say whether it is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lifecycle.errors import Differs
from onramp.console import show
from onramp.options import Place, common

if TYPE_CHECKING:
    from serving.replay import Replay


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Every answer of a receipt; `same` says whether all of them are what they were."""

    same: bool
    answers: tuple[Replay, ...]

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        for one in self.answers:
            yield from one.lines()


@click.command()
@common
@click.argument("receipt", metavar="RECEIPT")
def command(place: Place, receipt: str) -> int:
    """Replay a past answer by its receipt, and say whether it is the same.

    RECEIPT is the receipt_id of an answer, or of a page, which stands for its two answers. The
    version that answered is asked again with the features of then; its files are verified, and
    its score and reasons held against those that were given.

    Exit code 0: identical, or the same within 1e-9. 12: different, with what differs.
    """
    from serving.replay import replay

    answers = replay(place.home, receipt)
    same = all(one.verdict != "different" for one in answers)
    found = Explained(same=same, answers=answers)
    show(found, list(found.lines()), as_json=place.as_json)
    return 0 if same else Differs.exit_code
