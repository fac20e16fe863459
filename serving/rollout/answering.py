"""Customers dealt to the champion and to a canary's challenger; nobody goes without an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from features.online_row import OnlineRow
from lifecycle.prediction import Origin
from serving.answers import Answer
from serving.champion import Champion
from serving.guard import Failed, attempt
from serving.rollout.seen import Scores, Seen, Who
from serving.rollout.shadow import Shadow, asked
from serving.seat import Beside, Sitting


class By(Protocol):
    """Lets one version answer for rows, in order, and logs it."""

    def __call__(
        self, who: Champion, rows: Sequence[OnlineRow], origin: Origin
    ) -> Sequence[Answer]: ...


def answer_each(
    sitting: Sitting, rows: Sequence[OnlineRow], by: By, shadow: Shadow
) -> tuple[Answer, ...]:
    """Answer for each row, in order, by whoever answers its customer.

    Raises:
        OnrampError: the champion cannot answer. Where the challenger cannot, the champion does.
    """
    beside = sitting.beside
    if beside is None:
        return tuple(by(sitting.champion, rows, "online"))
    if beside.shadow:
        answers = tuple(by(sitting.champion, rows, "online"))
        shadow.put(asked(beside, rows, answers))
        return answers
    return dealt(sitting, beside, rows, by)


def dealt(
    sitting: Sitting, beside: Beside, rows: Sequence[OnlineRow], by: By
) -> tuple[Answer, ...]:
    """Each row answered by its side, the challenger's first: if it fails, the champion has all."""
    taken = [beside.takes(row.customer_id) for row in rows]
    theirs = [row for row, its in zip(rows, taken, strict=True) if its]
    given: dict[bool, Sequence[Answer]] = {True: ()}
    if theirs:
        began = time.perf_counter()
        made = attempt(lambda: by(beside.challenger.champion, theirs, "canary"))
        if isinstance(made, Failed):
            beside.seen.failed(made.reason)
            return tuple(by(sitting.champion, rows, "online"))
        given[True] = made.value
        count(beside.seen, "challenger", made.value, time.perf_counter() - began)
    ours = [row for row, its in zip(rows, taken, strict=True) if not its]
    began = time.perf_counter()
    given[False] = by(sitting.champion, ours, "online") if ours else ()
    count(beside.seen, "champion", given[False], time.perf_counter() - began)
    each = {side: iter(answers) for side, answers in given.items()}
    return tuple(next(each[its]) for its in taken)


def count(seen: Seen, who: Who, answers: Sequence[Answer], seconds: float) -> None:
    """Remember what was answered to customers who could be scored."""
    scored = [one for one in answers if one.status == "scored"]
    if scored:
        given = [(one.customer_id, scores(seen, one)) for one in scored]
        seen.answered(who, given, seconds)


def scores(seen: Seen, given: Answer) -> Scores:
    return tuple(given.probabilities.get(name, 0.0) for name in seen.classes)
