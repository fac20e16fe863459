"""What came of a promotion, as a person and a program read it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifecycle.gate import Decision, Evidence, Finding, Verdict
from lifecycle.registry import Version


@dataclass(frozen=True, kw_only=True)
class PromotionReport:
    """What came of a promotion, or of an approval.

    Attributes:
        decision: promote, refuse or cannot judge.
        changed: whether an alias moved; a version that was the champion already moves none.
        previous: the champion that was compared with, or None.
        evidence: None where there was nothing to measure.
        awaits: the gate said promote, and a person has to approve it.
        row: of the ledger; None where there was nothing to record.
        notes: what else happened: a card that could not be written, an earlier kill settled.
    """

    task: str
    decision: Decision
    changed: bool
    version: int
    previous: int | None
    verdict: Verdict
    evidence: Evidence | None
    awaits: bool = False
    row: int | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def unjudged(
        cls,
        version: Version,
        finding: Finding,
        *,
        previous: int | None = None,
        changed: bool = False,
        awaits: bool = False,
        row: int | None = None,
    ) -> PromotionReport:
        """Of a version that the gate has spoken of before: nothing was measured again."""
        return cls(
            task=version.task,
            decision="promote",
            changed=changed,
            version=version.number,
            previous=previous,
            verdict=Verdict(decision="promote", findings=(finding,)),
            evidence=None,
            awaits=awaits,
            row=row,
        )

    def noted(self, *notes: str) -> PromotionReport:
        """With these notes, those that say something."""
        return replace(self, notes=tuple(note for note in notes if note))

    def lines(self) -> list[str]:
        """What a person reads."""
        against = f" against version {self.previous}" if self.previous else ""
        waits = ", awaiting approval" if self.awaits else ""
        return [
            f"{self.task} version {self.version}{against}: {self.decision}{waits}",
            *(f"  {finding.outcome}: {finding.words}" for finding in self.verdict.findings),
            *(f"  note: {note}" for note in self.notes),
            *([f"  Next: {self.next}"] if self.awaits else []),
        ]

    @property
    def next(self) -> str:
        """What a person who is waited for can say."""
        version = f"{self.task} --version {self.version}"
        return f"`onramp approve {version}` or `onramp reject {version} --because …`."
