"""What a page showed beside its two answers: kept when it is shown, held against today's on replay.

The order of the content is asked of the version again and must be what it was. Segments change
behind a page and are not asked again: they are as they were kept. The welcome is made again from
today's content table, the risk's band, the kept segments and the logged features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lifecycle.errors import NotReady, OnrampError
from lifecycle.home import Home
from lifecycle.prediction import FeatureValue
from serving.content import table_of
from serving.content_fields import fields_of, fill
from serving.personalization import CONTENT_TASK, RISK_TASK, in_order
from serving.receipts import Shown, find_page
from serving.replay import Replay, Verdict, replay

KINDS = ("stage", "rfm", "behaviour")


@dataclass(frozen=True, kw_only=True)
class ShownAgain:
    """A page then and now.

    Attributes:
        content: types in the order that was shown; content_verdict: None where it was fallback
            content, which no version ranked.
        fallback_reason: why a part of it was; None where none was.
        segments: name by kind, and those of rules; as they were kept.
        welcome: what the user read; welcome_now: what the same user would read by today's table.
        differences: what is not as it was, in words.
    """

    receipt_id: str
    user_id: str
    content: tuple[str, ...]
    content_verdict: Verdict | None
    fallback_reason: str | None
    segments: Mapping[str, Any]
    welcome: str
    welcome_now: str
    welcome_verdict: Verdict
    differences: tuple[str, ...] = field(default=())

    def lines(self) -> Iterator[str]:
        """For people."""
        ranked = self.content_verdict or "fallback, ranked by nobody"
        yield f"The page of customer {self.user_id} showed: {', '.join(self.content)} ({ranked})"
        if self.fallback_reason:
            yield f"  fallback: {self.fallback_reason}"
        named = [f"{kind} {self.segments[kind]}" for kind in KINDS if self.segments.get(kind)]
        rules = self.segments.get("segments") or []
        told = ", ".join([*named, *rules]) or self.segments.get("reason") or "none"
        yield f"  segments (as kept): {told}"
        yield f"  welcome: {self.welcome!r} (today's table: {self.welcome_verdict})"
        yield from (f"    {words}" for words in self.differences)


def shown(body: Mapping[str, Any]) -> Shown:
    """What is kept of a page's body."""
    segment = body["segment"]
    return Shown(
        str(body["receipt_id"]),
        {
            "user_id": body["user_id"],
            "fallback_reason": body["fallback_reason"],
            "content": [row["type"] for row in body["content"]["ranked"]],
            "ranked": body["content"]["personalized"],
            "answers": sum(body[part]["receipt_id"] is not None for part in ("risk", "content")),
            "segment": {
                **{kind: segment[kind]["name"] for kind in KINDS if segment[kind]},
                "segments": [one["name"] for one in segment["segments"]],
                "reason": segment["reason"],
                "event_timestamp": segment["event_timestamp"],
            },
            "welcome": body["welcome"]["text"],
        },
    )


def explained(home: Home, receipt_id: str) -> tuple[tuple[Replay, ...], ShownAgain | None]:
    """The answers of a receipt, made again, and the page that they stood on.

    Returns:
        No answers where a page was all fallback; no page where the receipt is of none, or what it
        showed is no longer kept.

    Raises:
        NotReady: nothing is known by that receipt.
        UnknownName: the version is no longer registered.
        DataError: the version's files changed, or it does not repeat its recorded predictions.
    """
    receipt_id = receipt_id.strip()
    try:
        answers = replay(home, receipt_id)
    except NotReady:
        kept = find_page(home, receipt_id)
        # a page with answers is nothing without them: its log is gone
        if kept is None or kept.page["answers"]:
            raise
        return (), shown_again(home, kept, ())
    kept = find_page(home, receipt_id, answers[0].scored_at)
    return answers, shown_again(home, kept, answers) if kept else None


def shown_again(home: Home, kept: Shown, answers: Sequence[Replay]) -> ShownAgain:
    """The page beside what today's table and the version that ranked it would make of it."""
    page, by_task = kept.page, {one.task: one for one in answers}
    content = tuple(page["content"])
    verdict, differences = ranked_again(content, by_task.get(CONTENT_TASK), ranked=page["ranked"])
    features = answers[0].features if answers else {}
    welcome = welcomed(home, page["segment"], by_task.get(RISK_TASK), features)
    same = welcome == page["welcome"]
    if not same:
        differences.append(f"today's content table welcomes by {welcome!r}")
    return ShownAgain(
        receipt_id=kept.receipt_id, user_id=page["user_id"], content=content,
        content_verdict=verdict, fallback_reason=page["fallback_reason"], segments=page["segment"],
        welcome=page["welcome"], welcome_now=welcome,
        welcome_verdict="identical" if same else "different", differences=tuple(differences),
    )  # fmt: skip


def ranked_again(
    content: Sequence[str], answer: Replay | None, *, ranked: bool
) -> tuple[Verdict | None, list[str]]:
    """Whether the version ranks the content as it was shown."""
    if answer is None or not ranked:
        return None, []
    now = [name for name, _ in in_order(answer.ranked)]
    if now == list(content):
        return "identical", []
    return "different", [f"the content was {', '.join(content)} and is {', '.join(now)}"]


def welcomed(
    home: Home,
    segment: Mapping[str, Any],
    risk: Replay | None,
    features: Mapping[str, FeatureValue],
) -> str:
    """The welcome for the same user by today's table; why there is none, where it is broken."""
    try:
        rows = table_of(home).welcome
    except OnrampError as error:
        return str(error)
    band, stage, rules = risk.band if risk else None, segment.get("stage"), segment["segments"]
    chosen = next(row for row in rows if row.meant_for(band, stage, rules))
    return fill(chosen.template, fields_of(features, home.dataset().profile))[0]
