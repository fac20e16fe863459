"""A past answer, made again by the version that gave it from the features that were logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.prediction import FeatureValue, Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.scorer import Explains, by_class, names, reported
from serving import receipts
from serving.champion import Champion, load

Verdict = Literal["identical", "within tolerance", "different"]

TOLERANCE = 1e-9  # of a probability, and of a contribution to log-odds
REASONS = 3  # where none were given


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One answer then and now.

    Attributes:
        verdict: the worst of score, answer and reasons.
        logged, replayed: the probability that the answer was reported by.
        ranked: class → probability now, the likeliest first.
        band: of the churn risk; None for other tasks.
        reasons: as they are now, in words.
        reasons_verdict: None where the answer was given without reasons, or none are kept.
        reasons_gone: why none are kept, where they were and are no longer; else empty.
        differences: what is not as it was, in words.
        features: the logged vector.
        champion: the version that serves now; None when none does.
    """

    receipt_id: str
    task: str
    version: int
    champion: int | None
    customer_id: str | None
    event_timestamp: datetime | None
    scored_at: datetime
    origin: str
    verdict: Verdict
    logged: float
    replayed: float
    answer: str
    ranked: Mapping[str, float]
    band: str | None
    reasons: Sequence[Mapping[str, Any]]
    reasons_verdict: Verdict | None
    reasons_gone: str
    differences: tuple[str, ...]
    features: Mapping[str, FeatureValue]

    def lines(self) -> Iterator[str]:
        """For people."""
        whom = f"customer {self.customer_id}" if self.customer_id else "a row of features"
        moment = f", features of {self.event_timestamp}" if self.event_timestamp else ""
        yield (
            f"{self.receipt_id}: version {self.version} of {self.task} answered for {whom} "
            f"at {self.scored_at} ({self.origin}{moment})."
        )
        band = f", band {self.band}" if self.band else ""
        yield f"  said: {self.answer} at {self.logged!r}{band}"
        yield f"  replayed: {self.verdict}, {self.replayed!r}"
        yield from (f"    {words}" for words in self.differences)
        kept = self.reasons_verdict
        none = self.reasons_gone or "none were kept"
        yield f"  because ({f'reasons: {kept}' if kept else f'worked out now: {none}'})"
        yield from (f"    {reason['words']}" for reason in self.reasons)
        if self.champion != self.version:
            now = f"version {self.champion}" if self.champion else "no version"
            yield f"  champion now: {now}"


def replay(home: Home, receipt_id: str) -> tuple[Replay, ...]:
    """Make the answers of a receipt again: one, or both of a page.

    Raises:
        NotReady: nothing is logged by that receipt.
        UnknownName: the version is no longer registered.
        DataError: the version's files changed, or it does not repeat its recorded predictions.
    """
    found = [one for part in parts(receipt_id) for one in logged(home, part)]
    return tuple(replayed(home, one) for one in found)


def parts(receipt_id: str) -> Sequence[str]:
    """The receipts that a page's receipt is made of."""
    return [part for part in receipt_id.strip().split(receipts.BETWEEN_RECEIPTS) if part]


def logged(home: Home, receipt_id: str) -> Sequence[Prediction]:
    """The logged answer.

    Raises:
        NotReady: there is none.
    """
    found = PredictionLog(home).find(receipt_id)
    if not found:
        raise NotReady(
            f"No answer is logged by the receipt {receipt_id!r}.",
            found=f"Looked through {home.predictions}.",
            do=f"It is there within two seconds of being given; is it this home's?{pruned(home)}",
        )
    return found


def pruned(home: Home) -> str:
    """That pages which were all fallback are not kept for ever, if some are gone."""
    first = receipts.kept_from(home)
    return f" Of pages without an answer those of before {first} were taken away." if first else ""


def replayed(home: Home, then: Prediction) -> Replay:
    """The answer again; raises as `replay`."""
    registry = Registry(home)
    version = registry.version(then.task, then.version)
    champion = load(registry, version)
    scorer = champion.scorer
    vector = {name: then.features.get(name) for name in names(scorer)}
    probabilities = scorer.score_rows([vector])
    again = float(reported(scorer, probabilities)[0])
    answer = scorer.answers(probabilities)[0]
    ranked = by_class(scorer, probabilities[0])
    given = receipts.find(home, then.receipt_id, then.scored_at)
    reasons = explained(champion, vector, len(given.reasons) if given else REASONS)
    score, differences = compared(then, again, answer, ranked)
    why = same_reasons(given, reasons) if given else None
    holder = registry.holder(then.task, "champion")
    return Replay(
        receipt_id=then.receipt_id, task=then.task, version=then.version,
        champion=holder.number if holder else None, customer_id=then.customer_id,
        event_timestamp=then.event_timestamp, scored_at=then.scored_at, origin=then.origin,
        verdict=worst(score, why or "identical"), logged=then.prediction, replayed=again,
        answer=then.answer, ranked=ranked,
        band=champion.bands.of(again) if champion.bands else None,
        reasons=reasons, reasons_verdict=why, reasons_gone="" if given else gone(home, then),
        differences=(*differences, *reason_differences(given, reasons, why)), features=vector,
    )  # fmt: skip


def gone(home: Home, then: Prediction) -> str:
    """Why the reasons of an answer are not kept, if that is known."""
    first = receipts.kept_from(home)
    if first is None or then.scored_at.astimezone(UTC).date() >= first:
        return ""
    return f"those of before {first} were taken away (ONRAMP_RECEIPTS_DAYS)"


def explained(
    champion: Champion, vector: Mapping[str, FeatureValue], count: int
) -> Sequence[Mapping[str, Any]]:
    """The reasons as the version gives them; none of one that was made before it could."""
    scorer = champion.scorer
    return scorer.reasons([vector], count)[0] if isinstance(scorer, Explains) else ()


def compared(
    then: Prediction, again: float, answer: str, ranked: Mapping[str, float]
) -> tuple[Verdict, tuple[str, ...]]:
    """The worst verdict over the reported probability, each class and the answer in words."""
    pairs = [
        ("the probability", then.prediction, again),
        *((f"p({name})", p, ranked.get(name)) for name, p in then.probabilities.items()),
    ]
    verdicts = [closeness(before, now) for _, before, now in pairs]
    differences = [
        f"{what} was {before!r} and is {now!r}"
        for (what, before, now), verdict in zip(pairs, verdicts, strict=True)
        if verdict != "identical"
    ]
    if then.answer != answer:
        verdicts.append("different")
        differences.append(f"the answer was {then.answer} and is {answer}")
    return worst(*verdicts), tuple(differences)


def same_reasons(given: receipts.Given, now: Sequence[Mapping[str, Any]]) -> Verdict:
    """Whether the same features weigh as much as they did, in the same order."""
    if [name for name, _ in given.reasons] != [one["feature"] for one in now]:
        return "different"
    pairs = zip(given.reasons, now, strict=True)
    return worst("identical", *(closeness(was, one["contribution"]) for (_, was), one in pairs))


def reason_differences(
    given: receipts.Given | None, now: Sequence[Mapping[str, Any]], verdict: Verdict | None
) -> Iterator[str]:
    if given is None or verdict in {None, "identical"}:
        return
    were = ", ".join(f"{name} {part!r}" for name, part in given.reasons)
    yield f"the reasons were {were or 'none'}"
    are = ", ".join(f"{one['feature']} {one['contribution']!r}" for one in now)
    yield f"and are {are or 'none'}"


def closeness(before: float, now: float | None) -> Verdict:
    if now is None:
        return "different"
    if before == now:
        return "identical"
    return "within tolerance" if abs(before - now) <= TOLERANCE else "different"


def worst(*verdicts: Verdict) -> Verdict:
    if "different" in verdicts:
        return "different"
    return "within tolerance" if "within tolerance" in verdicts else "identical"
