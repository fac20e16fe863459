"""What the gate says: each rule's finding, and the decision that follows from all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["passed", "failed", "could not tell"]
Decision = Literal["promote", "refuse", "cannot judge"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule, what it found, and the sentence a person reads.

    Attributes:
        value: what was measured; of a comparison the difference.
        low, high: its interval, where it has one.
        threshold: what it was held against.
    """

    rule: str
    outcome: Outcome
    words: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    decision: Decision
    findings: tuple[Finding, ...] = field(default=())

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was not promoted; every finding's words when it was."""
        against = [f.words for f in self.findings if f.outcome != "passed"]
        return tuple(against or [f.words for f in self.findings])
