"""Judges a version on unseen rows and, if it passes, makes it the champion.

Safe to be killed anywhere and run again. The order is: verdict on the version, `previous`,
`champion`, ledger. A run after a kill judges again where the aliases had not moved, and writes
the missing ledger row where they had, whichever version it is asked for. One promotion of a
task runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lifecycle.errors import NotReady
from lifecycle.event_store import EventStore
from lifecycle.gate import Decision, Evidence, Finding, Verdict, judge
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.lock import held
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from training.promotion.evidence import Contender, evidence, nothing

Frames = Callable[[], pd.DataFrame]
Definitions = Callable[[], Mapping[str, str]]

PATIENCE_SECONDS = 60.0  # a promotion takes some ten
WHOLE_LEDGER = 1_000_000


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
        Busy: another promotion of the task takes longer than a minute.
    """

    def today() -> Mapping[str, str]:
        from features.store import definitions  # noqa: PLC0415  # Feast, as below

        return definitions(home, task.name)

    def frames() -> pd.DataFrame:
        from training.dataset import assemble  # noqa: PLC0415  # Feast: 4 s that a frame spares

        now = as_of or EventStore(home).as_of(home.dataset())
        return assemble(home, task, now).frame

    return promote_on(home, task, frames, today, version=version, actor=actor)


def promote_on(  # `promote`'s own, each by name
    home: Home,
    task: Task,
    frames: Frames,
    definitions: Definitions = dict,
    *,
    version: int | None = None,
    actor: str,
) -> PromotionReport:
    """As `promote`, on given labelled moments, with the definitions of their features."""
    lock = home.locks / f"promote-{task.name}.held"
    with held(lock, f"A promotion of {task.name}", patience_seconds=PATIENCE_SECONDS):
        registry = Registry(home)
        challenger = find(registry, task, version)
        champion = registry.holder(task.name, "champion")
        if champion is not None:
            reconcile(home, registry, champion, actor)
            if champion.number == challenger.number:
                return already(task, champion)
        found = gather(registry, task, (frames, definitions), challenger, champion)
        return conclude(home, task, found, challenger, champion, actor)


def conclude(  # what is known of one promotion, used here only
    home: Home,
    task: Task,
    found: Evidence,
    challenger: Version,
    champion: Version | None,
    actor: str,
) -> PromotionReport:
    """Judge, publish, move the aliases if the gate says so, and record: in this order."""
    registry = Registry(home)
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
    registry: Registry,
    task: Task,
    today: tuple[Frames, Definitions],
    challenger: Version,
    champion: Version | None,
) -> Evidence:
    """Measure; whatever goes wrong is a reason not to promote, never a pass."""
    frames, definitions = today
    try:
        return evidence(
            task,
            frames(),
            contender(registry, challenger),
            contender(registry, champion) if champion else None,
            definitions(),
        )
    except Exception as error:  # noqa: BLE001  # the gate fails closed on anything, and says why
        return nothing(f"{type(error).__name__}: {error}")


def contender(registry: Registry, version: Version) -> Contender:
    """Load a version as it would be served."""
    return Contender.load(version.number, registry.folder(version))


def publish(
    registry: Registry, version: Version, champion: Version | None, verdict: Verdict, actor: str
) -> None:
    """Write the verdict with every finding onto the version, in place of an earlier one."""
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
    stale = [key for key in version.tags if key.startswith("gate.") and key not in tags]
    registry.untag(version, stale)


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


def already(task: Task, version: Version) -> PromotionReport:
    """Nothing to do."""
    words = f"Version {version.number} is the champion of {task.name} already: nothing to do."
    finding = Finding(rule="already champion", outcome="passed", words=words)
    return PromotionReport(
        task=task.name,
        decision="promote",
        changed=False,
        version=version.number,
        previous=None,
        verdict=Verdict(decision="promote", findings=(finding,)),
        evidence=None,
    )


def reconcile(home: Home, registry: Registry, champion: Version, actor: str) -> None:
    """Finish what a killed promotion of the champion left: its alias, its ledger row."""
    drop_challenger(registry, champion)
    tags = champion.tags
    if tags.get("verdict") != "promote" or told(home, champion):
        return
    gate = {key: text for key, text in tags.items() if key.startswith("gate.")}
    Ledger(home).append(
        Entry(
            actor=tags.get("verdict.by", actor),
            task=champion.task,
            decision="promote",
            why=tags.get("verdict.why", ""),
            version=str(champion.number),
            evidence={"findings": gate, "written_after_a_kill": True},
        )
    )


def told(home: Home, version: Version) -> bool:
    """Whether the ledger has the row of the version's verdict."""
    judged_at = version.tags.get("verdict.at", "")
    return any(
        row.decision == "promote" and row.version == str(version.number) and row.at >= judged_at
        for row in Ledger(home).read(version.task, newest=WHOLE_LEDGER)
    )
