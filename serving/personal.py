"""Everything for one user's page, asked for at once. Whatever fails, there is content."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from features.online_row import OnlineRow
from lifecycle.dataset import DataSet
from lifecycle.home import Home
from serving.answers import Answer
from serving.champion import Champion
from serving.content import for_types, table_of
from serving.content_fields import fields_of, fill
from serving.guard import Done, Failed
from serving.patience import Patience
from serving.personalization import (
    CONTENT_TASK,
    RISK_TASK,
    Asked,
    content,
    risk,
    summary,
)
from serving.receipts import Shown
from serving.segment import SERVICE, Labels, Segments, segments
from serving.shown import shown

# Where Feast knows no segments, each question would read its registry anew, in everybody's way.
AGAIN_SECONDS = 5.0


class Answers(Protocol):
    """What a page is made of: `serving.service.Service`."""

    async def ask(
        self, task: str, customers: Sequence[str]
    ) -> tuple[Champion, Sequence[Answer]]: ...

    async def explain(
        self, champion: Champion, answers: Sequence[Answer], reasons: int
    ) -> Sequence[Answer]: ...

    async def segments(self, customer: str) -> tuple[OnlineRow, datetime]: ...

    def keep(self, page: Shown) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was found out of one user."""

    risk: Asked
    content: Asked
    segments: Segments

    def features(self) -> Mapping[str, Any]:
        """Of whichever answer has some: both read the same customer's row."""
        for asked in (self.risk, self.content):
            if isinstance(asked, Done) and asked.value[1].features:
                return asked.value[1].features
        return {}


class Personal:
    """Answers for `GET /api/personalization/{user_id}`.

    Attributes:
        again_seconds: segments that could not be had are asked for again after these.

    Raises:
        UsageError, DataError: the home's content table cannot be read.
    """

    def __init__(
        self, home: Home, dataset: DataSet, answers: Answers, patience: Patience | None = None
    ) -> None:
        self.answers, self.profile = answers, dataset.profile
        self.table = table_of(home)
        types = sorted(set(dataset.vocabulary.content.values()))
        self.content = for_types(self.table.content, types)
        self._labels = Labels(home)
        self._patience = patience or Patience()
        self.again_seconds = AGAIN_SECONDS
        self._no_segments: tuple[float, Failed] | None = None

    async def page(self, user: str, reasons: int = 0) -> dict[str, Any]:
        """One user's page.

        Args:
            user: whom it is for.
            reasons: how many for the risk.
        """
        known = await self._found_out(user, reasons)
        told, liked = risk(known.risk), content(known.content, self.content)
        segment = self._labels.body(known.segments)
        body = {
            "user_id": user,
            **summary({"risk": told, "content": liked, "segment": segment}),
            "risk": told,
            "content": liked,
            "segment": segment,
            "welcome": self._welcome(told["band"], known),
        }
        # of two answers it is theirs; where nobody answered, what was shown has one of its own
        body["receipt_id"] = body["receipt_id"] or secrets.token_hex(12)
        self.answers.keep(shown(body))
        return body

    async def _found_out(self, user: str, reasons: int) -> Known:
        """Asked together, so that the slowest and not their sum is what a user waits for."""
        about, liked, grouped = await asyncio.gather(
            self._explained(user, reasons), self._asked(CONTENT_TASK, user), self._segments(user)
        )
        return Known(risk=about, content=liked, segments=grouped)

    async def _asked(self, task: str, user: str) -> Asked:
        given = await self._patience.wait(task, self.answers.ask(task, (user,)))
        if isinstance(given, Failed):
            return given
        champion, answers = given.value
        return Done((champion, answers[0]))

    async def _explained(self, user: str, reasons: int) -> Asked:
        asked = await self._asked(RISK_TASK, user)
        if isinstance(asked, Failed):
            return asked
        champion, given = asked.value
        (given,) = await self.answers.explain(champion, (given,), reasons)
        return Done((champion, given))

    async def _segments(self, user: str) -> Segments:
        now = time.monotonic()
        if self._no_segments and now < self._no_segments[0]:
            return segments(self._no_segments[1])
        asked = await self._patience.wait(SERVICE, self.answers.segments(user))
        lasting = (now + self.again_seconds, asked) if isinstance(asked, Failed) else None
        self._no_segments = lasting
        return segments(asked)

    def _welcome(self, band: str | None, known: Known) -> dict[str, str]:
        stage, rules = known.segments.groups.get("stage"), known.segments.rules
        chosen = next(row for row in self.table.welcome if row.meant_for(band, stage, rules))
        text, markup = fill(chosen.template, fields_of(known.features(), self.profile))
        return {"text": text, "html": markup}
