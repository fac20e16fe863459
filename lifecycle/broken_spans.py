"""Spans of time whose data monitoring called broken, as the ledger tells of them.

Nothing is learnt from a moment within one, and nothing is judged on it. Of several verdicts about
the same window the last counts. What was answered on broken data stays in the prediction log, so a
person says when the data themselves were mended (`trust`). A verdict on data later than `as_of` is
not known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.ledger import MONITOR, Entry, Ledger

BROKEN, TRUST = "broken data", "trust again"
LATEST = datetime.max.replace(tzinfo=UTC)
# What is wrong with a window though each of its rows is right: too few of them were answered.
ROWS_ARE_RIGHT = frozenset(("volume",))


@dataclass(frozen=True, kw_only=True, order=True)
class BrokenSpan:
    """The time `start < t <= end`, in UTC."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"


def broken_spans(home: Home, task: str, as_of: datetime) -> tuple[BrokenSpan, ...]:
    """What was broken by all that was known at `as_of`, oldest first, without overlaps."""
    rows = Ledger(home).select(
        "task = ? AND (actor = ? OR decision = ?)", (task, MONITOR, TRUST)
    )  # fmt: skip
    return merged(spans_of(rows, as_of))


def trust(home: Home, task: str, span: BrokenSpan, *, actor: str, because: str) -> int:
    """Say that what lies in the span was mended; returns the ledger's row.

    Raises:
        UsageError: no window that lies in it whole was called broken.
    """
    ledger = Ledger(home)
    rows = ledger.select("task = ? AND (actor = ? OR decision = ?)", (task, MONITOR, TRUST))
    known = spans_of(rows, LATEST)
    if not any(within(one, span) for one in known):
        raise UsageError(
            f"No broken window of {task} lies in {span}.",
            found=f"Broken are {written(merged(known)) or 'none'}.",
            do="Name a span that holds a whole window, as 2026-04-06/2026-04-13.",
        )
    window = {"start": span.start.isoformat(), "end": span.end.isoformat()}
    return ledger.append(
        Entry(actor=actor, task=task, decision=TRUST, why=because, evidence={"window": window})
    )


def spans_of(rows: Iterable[Entry], as_of: datetime) -> list[BrokenSpan]:
    """The windows whose last verdict says so."""
    last: dict[BrokenSpan, Entry] = {}
    for row in sorted(rows, key=lambda row: row.number):
        span = span_of(row.evidence)
        if span is None:
            continue
        if row.decision == TRUST:
            last = {one: kept for one, kept in last.items() if not within(one, span)}
        elif "as_of" in row.evidence and when(row.evidence["as_of"]) <= as_of:
            last[span] = row
    return [span for span, row in last.items() if harmful(row)]


def span_of(evidence: Any) -> BrokenSpan | None:
    """The window that a verdict is about; None of a row that is about none."""
    window = evidence.get("window")
    if not isinstance(window, dict) or not {"start", "end"} <= set(window):
        return None
    return BrokenSpan(start=when(window["start"]), end=when(window["end"]))


def harmful(row: Entry) -> bool:
    """Whether the verdict means that what its window holds is wrong."""
    checks = set(row.evidence.get("checks", ()))
    return row.decision == BROKEN and (not checks or bool(checks - ROWS_ARE_RIGHT))


def within(one: BrokenSpan, other: BrokenSpan) -> bool:
    return other.start <= one.start and one.end <= other.end


def merged(spans: Sequence[BrokenSpan]) -> tuple[BrokenSpan, ...]:
    """The same time in as few spans as there can be."""
    found: list[BrokenSpan] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            end = max(found[-1].end, span.end)
            found[-1] = BrokenSpan(start=found[-1].start, end=end)
        else:
            found.append(span)
    return tuple(found)


def written(spans: Iterable[BrokenSpan]) -> str:
    """As a run records them: intervals as ISO 8601 writes them."""
    return " ".join(map(str, spans))


def read(text: str) -> tuple[BrokenSpan, ...]:
    """What `written` wrote."""
    pairs = (one.split("/") for one in text.split())
    return tuple(BrokenSpan(start=when(start), end=when(end)) for start, end in pairs)


def when(text: str) -> datetime:
    """A time, in UTC."""
    read_as = datetime.fromisoformat(text)
    return read_as.astimezone(UTC) if read_as.tzinfo else read_as.replace(tzinfo=UTC)
