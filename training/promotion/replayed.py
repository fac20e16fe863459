"""What came of a replay, in the numbers that the gate judges and the words that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.skew.request import Request
from lifecycle.gate import Mismatch, Skew

MOST_NAMED = 200  # values that differ; the ledger keeps them all
NOTHING = (
    "nobody was answered by a version that is still there, and the online store holds nobody. "
    "Run `onramp features`, which fills it."
)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """Requests, held against the offline world.

    Attributes:
        compared: how many could be, without those that are late.
        late: how many were set aside, because something arrived after their vector was built.
        redefined: features that were not compared.
    """

    asked: Sequence[Request]
    compared: int
    late: int
    mismatches: Sequence[Mismatch]
    redefined: frozenset[str]


def report(found: Sequence[Replayed], gone: Mapping[int, int]) -> Skew:
    """All that was replayed, in numbers and words.

    `gone` says of how many requests the version is gone or damaged, by version.
    """
    asked = [one for part in found for one in part.asked]
    mismatches = [one for part in found for one in part.mismatches]
    return Skew(
        requests=len(asked) + sum(gone.values()),
        compared=sum(part.compared for part in found),
        mismatches=tuple(mismatches[:MOST_NAMED]),
        problem="" if asked else NOTHING,
        note=note(asked, found, len(mismatches), gone),
    )


def note(
    asked: Sequence[Request], found: Sequence[Replayed], differing: int, gone: Mapping[int, int]
) -> str:
    """What the numbers do not say."""
    count = Counter(one.logged for one in asked)
    arrived = sum(part.late for part in found)
    lost = len(asked) - arrived - sum(part.compared for part in found)
    redefined = sorted({name for part in found for name in part.redefined})
    told = [f"{count[True]} logged requests"]
    told += [f"{count[False]} present vectors of the online store"] if count[False] else []
    parts = [" and ".join(told)]
    if arrived:
        parts.append(f"{arrived} set aside, because events came in after the answer")
    if lost:
        parts.append(f"{lost} set aside, because nothing offline is comparable")
    if gone:
        told = [f"{requests} of version {version}" for version, requests in sorted(gone.items())]
        parts.append(f"not replayed, as the version is gone or damaged: {', '.join(told)}")
    if redefined:
        parts.append(f"not compared, as defined otherwise since: {', '.join(redefined)}")
    if differing > MOST_NAMED:
        parts.append(f"{differing} values differ, {MOST_NAMED} are kept")
    return "; ".join(parts)
