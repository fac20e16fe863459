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
    from serving.shown import ShownAgain


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Every answer of a receipt; `same` says whether all of them are what they were.

    Attributes:
        page: what was shown beside them; None where the receipt is of no page, or it is not kept.
    """

    same: bool
    answers: tuple[Replay, ...]
    page: ShownAgain | None

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        for one in self.answers:
            yield from one.lines()
        if self.page:
            yield from self.page.lines()
        elif len(self.answers) > 1:
            gone = next((f": {one.reasons_gone}" for one in self.answers if one.reasons_gone), "")
            yield f"What the page showed beside its answers is not kept{gone}."


@click.command()
@common
@click.argument("receipt", metavar="RECEIPT")
def command(place: Place, receipt: str) -> int:
    """Replay a past answer by its receipt, and say whether it is the same.

    RECEIPT is the receipt_id of an answer, or of a page, which stands for its two answers. The
    version that answered is asked again with the features of then; its files are verified, and
    its score, its order and its reasons held against those that were given. Of a page the segments
    are shown as they were, and the welcome beside what today's content table would make of it.

    Exit code 0: identical, or the same within 1e-9. 12: different, with what differs.
    """
    from serving.shown import explained

    answers, page = explained(place.home, receipt)
    verdicts = {one.verdict for one in answers} | {page.content_verdict if page else None}
    same = "different" not in verdicts
    found = Explained(same=same, answers=answers, page=page)
    show(found, list(found.lines()), as_json=place.as_json)
    return 0 if same else Differs.exit_code
