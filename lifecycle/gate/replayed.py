"""Judges what a promotion would do to those who ask: the signature, and requests replayed."""

from __future__ import annotations

from lifecycle.gate.evidence import Evidence, Mismatch, Skew, Value
from lifecycle.gate.figures import finite
from lifecycle.gate.rules import NoSkew
from lifecycle.gate.verdict import Finding

MOST_NAMED = 3


def signature_compatible(evidence: Evidence) -> Finding | None:
    """Nothing is missing, retyped or lost. A first model is held to what is computed today."""
    found = evidence.signature
    if found is None:
        if evidence.differences is None:
            return None
        words = "The signatures were not compared."
        return Finding(rule="signature", outcome="could not tell", words=words)
    faults = [
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("it needs features that are no longer computed", found.missing),
            ("it takes features as another type", found.retyped),
            ("it cannot give answers that the champion gives", found.lost),
        )
        if names
    ]
    if faults:
        words = f"The signature is not compatible; {'; '.join(faults)}."
        return Finding(rule="signature", outcome="failed", words=words)
    against = "what is computed" if evidence.differences is None else "the champion's"
    words = f"The signature is compatible with {against}."
    return Finding(rule="signature", outcome="passed", words=words)


def no_skew(rule: NoSkew, evidence: Evidence) -> Finding | None:
    """Every request that could be replayed agrees, and enough of them could."""
    skew = evidence.skew
    first = evidence.differences is None
    if skew is None:
        return None if first else untold(rule, "No request was replayed.")
    beyond = [one for one in skew.mismatches if not tolerated(one, rule.tolerance)]
    if beyond:
        return differing(rule, skew, beyond)
    if first:
        return None
    if skew.problem:
        return untold(rule, f"Requests could not be replayed: {skew.problem}")
    compared = finite(skew.compared)
    counted = f"{skew.compared} of {skew.requests} requests were replayed{aside(skew)}"
    if compared is None or compared < rule.least_requests:
        return untold(rule, f"{counted}; at least {rule.least_requests} are needed.")
    agree = "their features and scores agree" if compared else "there was none"
    return Finding(
        rule=named(rule),
        outcome="passed",
        value=0.0,
        threshold=rule.tolerance,
        words=f"{counted}: {agree} (tolerance {rule.tolerance:g}).",
    )


def aside(skew: Skew) -> str:
    return f" ({skew.note})" if skew.note else ""


def named(rule: NoSkew) -> str:
    return f"no skew beyond {rule.tolerance:g}"


def untold(rule: NoSkew, words: str) -> Finding:
    return Finding(
        rule=named(rule), outcome="could not tell", threshold=rule.tolerance, words=words
    )


def differing(rule: NoSkew, skew: Skew, beyond: list[Mismatch]) -> Finding:
    """What differs, by name and with both values."""
    shown = "; ".join(spoken(one) for one in beyond[:MOST_NAMED])
    more = len(beyond) - MOST_NAMED
    return Finding(
        rule=named(rule),
        outcome="failed",
        value=float(len(beyond)),
        threshold=rule.tolerance,
        words=f"{skew.compared} requests were replayed{aside(skew)} and {len(beyond)} values "
        f"differ by more than {rule.tolerance:g}: {shown}"
        f"{f'; and {more} more' if more > 0 else ''}.",
    )


def spoken(one: Mismatch) -> str:
    what = "the score" if one.what == "score" else "the feature"
    return (
        f"{what} {one.name} of customer {one.customer_id} at {one.at} was {one.online} online "
        f"and {one.offline} offline"
    )


def tolerated(one: Mismatch, tolerance: float) -> bool:
    """Whether both are numbers as close as is asked, or the same and neither is a number.

    Where both are missing they agree; where one is, they do not.
    """
    online, offline = known(one.online), known(one.offline)
    if not (isinstance(online, float) and isinstance(offline, float)):
        return online == offline
    return abs(online - offline) <= tolerance * max(1.0, abs(online), abs(offline))


def known(value: Value) -> Value:
    """Numbers and flags as floats; a number that is none is missing."""
    if isinstance(value, bool):
        return float(value)
    return value if isinstance(value, str) else finite(value)
