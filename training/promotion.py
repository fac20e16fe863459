"""Judges a version on unseen rows and, if it passes, makes it the champion.

Safe to be killed anywhere and run again. The order is: verdict on the version, `previous`,
`champion`, ledger. A run after a kill judges again where the aliases had not moved, and writes
the missing ledger row where they had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore
from lifecycle.gate import Decision, Evidence, Finding, Verdict, judge
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.version_files import FILES, row_keys
from training.compare import Contender, evidence, nothing
from training.model import Scorer

Frames = Callable[[], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class PromotionReport:
    """What came of a promotion.

    Attributes:
        decision: promote, refuse or cannot judge.
        changed: whether an alias moved; a version that was the champion already moves none.
        previous: the champion that was compared with, or None.
        evidence: None where there was nothing to do.
    """

    task: str
    decision: Decision
    changed: bool
    version: int
    previous: int | None
    verdict: Verdict
    evidence: Evidence | None

    def lines(self) -> list[str]:
        """What a person reads."""
        against = f" against version {self.previous}" if self.previous else ""
        return [
            f"{self.task} version {self.version}{against}: {self.decision}",
            *(f"  {finding.outcome}: {finding.words}" for finding in self.verdict.findings),
        ]


def promote(
    home: Home,
    task: Task,
    *,
    version: int | None = None,
    actor: str,
    as_of: datetime | None = None,
) -> PromotionReport:
    """Judge a version (default: the newest) and promote it if the gate says so.

    Args:
        home: where everything lives.
        task: as the home's data set asks it (`tasks.supported`).
        version: its number; None: the newest.
        actor: who is recorded in the ledger.
        as_of: evaluation rows are those whose label was known then; default: now, on the data
            set's clock.

    Raises:
        NotReady: there is no version.
        UnknownName: there is no such version.
    """

    def frames() -> pd.DataFrame:
        from training.dataset import assemble  # noqa: PLC0415  # Feast: 4 s that a frame spares

        now = as_of or EventStore(home).as_of(home.dataset())
        return assemble(home, task, now).frame

    return promote_on(home, task, frames, version=version, actor=actor)


def promote_on(
    home: Home, task: Task, frames: Frames, *, version: int | None = None, actor: str
) -> PromotionReport:
    """As `promote`, on labelled moments with features that `frames` gives."""
    registry = Registry(home)
    challenger = find(registry, task, version)
    champion = registry.holder(task.name, "champion")
    if champion is not None and champion.number == challenger.number:
        return already(home, task, challenger, actor)
    found = gather(registry, task, frames, challenger, champion)
    verdict = judge(task.gate, found)
    publish(registry, challenger, champion, verdict, actor)
    if verdict.decision == "promote":
        if champion is not None:
            registry.point("previous", champion)
        registry.point("champion", challenger)
        drop_challenger(registry, challenger)
    record(home, task, challenger, verdict, actor, details(found, champion))
    return PromotionReport(
        task=task.name,
        decision=verdict.decision,
        changed=verdict.decision == "promote",
        version=challenger.number,
        previous=champion.number if champion else None,
        verdict=verdict,
        evidence=found,
    )


def find(registry: Registry, task: Task, number: int | None) -> Version:
    """The version to judge."""
    if number is not None:
        return registry.version(task.name, number)
    versions = registry.versions(task.name)
    if not versions:
        raise NotReady(
            f"No version of {task.name} to promote.",
            found="Nothing was trained yet.",
            do=f"Run `onramp train {task.name}`.",
        )
    return versions[0]


def gather(
    registry: Registry, task: Task, frames: Frames, challenger: Version, champion: Version | None
) -> Evidence:
    """Measure; whatever goes wrong is a reason not to promote, never a pass."""
    try:
        return evidence(
            task,
            frames(),
            contender(registry, challenger),
            contender(registry, champion) if champion else None,
        )
    except Exception as error:  # noqa: BLE001  # the gate fails closed on anything, and says why
        return nothing(f"{type(error).__name__}: {error}")


def contender(registry: Registry, version: Version) -> Contender:
    """Load a version as it would be served."""
    folder = registry.folder(version)
    return Contender(
        number=version.number,
        scorer=Scorer.from_folder(folder / FILES),
        keys=row_keys(folder),
    )


def publish(
    registry: Registry, version: Version, champion: Version | None, verdict: Verdict, actor: str
) -> None:
    """Write the verdict with every finding onto the version."""
    tags = {
        "verdict": verdict.decision,
        "verdict.at": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict.by": actor,
        "verdict.against": str(champion.number) if champion else "no champion yet",
        "verdict.why": " ".join(verdict.reasons),
    }
    for number, finding in enumerate(verdict.findings, start=1):
        tags[f"gate.{number:02d}"] = f"{finding.outcome}: {finding.rule}. {finding.words}"
    registry.tag(version, {key: value[:4900] for key, value in tags.items()})


def drop_challenger(registry: Registry, version: Version) -> None:
    """A champion is no longer a challenger."""
    holder = registry.holder(version.task, "challenger")
    if holder is not None and holder.number == version.number:
        registry.drop("challenger", version.task)


def record(
    home: Home, task: Task, version: Version, verdict: Verdict, actor: str, known: dict[str, Any]
) -> None:
    """One row in the ledger."""
    Ledger(home).append(
        Entry(
            actor=actor,
            task=task.name,
            decision=verdict.decision,
            why=" ".join(verdict.reasons),
            version=str(version.number),
            evidence={**known, "findings": [asdict(finding) for finding in verdict.findings]},
        )
    )


def details(found: Evidence, champion: Version | None) -> dict[str, Any]:
    """The evidence as the ledger keeps it."""
    return {"previous": champion.number if champion else None, "measured": asdict(found)}


def already(home: Home, task: Task, version: Version, actor: str) -> PromotionReport:
    """Nothing to do, but for the ledger row that a killed promotion left unwritten."""
    decision: Decision = "promote"
    judged_at = version.tags.get("verdict.at", "")
    told = any(
        row.decision == decision and row.version == str(version.number) and row.at >= judged_at
        for row in Ledger(home).read(task.name, newest=1_000)
    )
    words = f"Version {version.number} is the champion of {task.name} already: nothing to do."
    verdict = Verdict(
        decision=decision,
        findings=(Finding(rule="already champion", outcome="passed", words=words),),
    )
    if not told and version.tags.get("verdict") == decision:
        gate = {key: text for key, text in version.tags.items() if key.startswith("gate.")}
        Ledger(home).append(
            Entry(
                actor=version.tags.get("verdict.by", actor),
                task=task.name,
                decision=decision,
                why=version.tags.get("verdict.why", ""),
                version=str(version.number),
                evidence={"findings": gate, "written_after_a_kill": True},
            )
        )
    return PromotionReport(
        task=task.name,
        decision=decision,
        changed=False,
        version=version.number,
        previous=None,
        verdict=verdict,
        evidence=None,
    )
