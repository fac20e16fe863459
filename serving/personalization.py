"""What the product shows one user: churn risk and ranked content, or fallback content and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.answers import Answer
from serving.champion import Champion
from serving.content import Content, spelt
from serving.guard import Done, Failed
from serving.receipts import BETWEEN_RECEIPTS

RISK_TASK = "churn"
CONTENT_TASK = "preference"

# An answer with the version that gave it, or why there is none.
Asked = Done[tuple[Champion, Answer]] | Failed


def risk(asked: Asked) -> dict[str, Any]:
    """How likely the user is to drop off, in a number and in a word, and why."""
    if isinstance(asked, Failed):
        nothing = dict.fromkeys(("probability", "band", "bands", "reasons"))
        return {**nothing, **provenance(asked)}
    champion, given = asked.value
    bands = champion.bands
    known = bands is not None and given.probability is not None
    return {
        "probability": given.probability,
        "band": bands.of(given.probability) if bands and given.probability is not None else None,
        "bands": {"medium": bands.medium, "high": bands.high} if bands and known else None,
        "reasons": given.reasons,
        **provenance(asked),
    }


def summary(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What holds of all parts: whose versions, how old the features, what was missing, the receipt.

    Args:
        parts: risk, content and segment as they are answered.
    """
    modelled = {RISK_TASK: parts["risk"], CONTENT_TASK: parts["content"]}
    reasons = [part["reason"] for part in modelled.values() if part["reason"]]
    receipts = [part["receipt_id"] for part in modelled.values() if part["receipt_id"]]
    return {
        "personalized": all(part["status"] == "scored" for part in modelled.values()),
        "fallback_reason": " ".join(dict.fromkeys(reasons)) or None,
        "receipt_id": BETWEEN_RECEIPTS.join(receipts) or None,
        "versions": {task: part["version"] for task, part in modelled.items()},
        "feature_age_seconds": {name: part["age_seconds"] for name, part in parts.items()},
    }


def content(asked: Asked, table: Sequence[Content]) -> dict[str, Any]:
    """Content ranked for the user; by popularity where we cannot tell what the user likes."""
    if isinstance(asked, Failed):
        return {"personalized": False, "ranked": fallback(table, {}), **provenance(asked)}
    champion, given = asked.value
    if given.status == "scored":
        ranked = rank(table, given.probabilities)
        return {"personalized": True, "ranked": ranked, **provenance(asked)}
    ranked = fallback(table, champion.popularity)
    return {"personalized": False, "ranked": ranked, **provenance(asked)}


def fallback(table: Sequence[Content], popularity: Mapping[str, float]) -> list[dict[str, Any]]:
    """By popularity among the champion's reference customers; without one, in the table's order."""
    if popularity:
        return rank(table, popularity)
    return [shown(row, None) for row in table]


def rank(table: Sequence[Content], scores: Mapping[str, float]) -> list[dict[str, Any]]:
    """Each class with what is shown for it, the highest score first."""
    rows = {row.type: row for row in table}
    order = in_order(scores)
    return [shown(rows.get(k) or Content(type=k, title=spelt(k)), p) for k, p in order]


def in_order(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """The highest first; equals by name."""
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def shown(row: Content, score: float | None) -> dict[str, Any]:
    return {"type": row.type, "title": row.title, "text": row.text, "score": score}


def provenance(asked: Asked) -> dict[str, Any]:
    """Where an answer came from, or why there is none."""
    if isinstance(asked, Failed):
        return {
            "status": "unavailable",
            "reason": asked.reason,
            "version": None,
            "event_timestamp": None,
            "age_seconds": None,
            "receipt_id": None,
        }
    champion, given = asked.value
    body = given.body()
    kept = ("status", "reason", "event_timestamp", "age_seconds", "receipt_id")
    return {"version": champion.version, **{key: body[key] for key in kept}}
