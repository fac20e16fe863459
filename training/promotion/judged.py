"""Measures a version beside the champion, judges it, and writes the verdict onto its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lifecycle import integrity, repeats
from lifecycle.errors import Busy
from lifecycle.gate import Evidence, Skew, Verdict, judge
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from training.promotion.evidence import Contender, evidence, nothing
from training.promotion.move import Decided
from training.promotion.standing import Standing

Frames = Callable[[], pd.DataFrame]
Definitions = Callable[[], Mapping[str, str]]
Replay = Callable[[Contender, Contender | None], Skew | None]


def unreplayed(challenger: Contender, champion: Contender | None) -> Skew | None:  # noqa: ARG001
    """Nobody asked for a replay of requests."""
    return None


@dataclass(frozen=True, kw_only=True)
class Today:
    """What a version is judged on; each is asked for when it is needed.

    Attributes:
        frames: labelled moments with features.
        definitions: feature → hash of its definition now.
        replay: logged requests, online against offline.
    """

    frames: Frames
    definitions: Definitions = dict
    replay: Replay = unreplayed


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A version, whom it was held against, and what was found."""

    version: Version
    champion: Version | None
    evidence: Evidence
    verdict: Verdict

    def decided(self, decision: str, actor: str) -> Decided:
        """The ledger row's words and evidence."""
        known: dict[str, Any] = {
            "previous": self.champion.number if self.champion else None,
            "measured": asdict(self.evidence),
        }
        return Decided(
            decision=decision,
            actor=actor,
            why=" ".join(self.verdict.reasons),
            evidence=known,
            findings=self.verdict.findings,
        )

    def on_word(self, said: Decided) -> Decided:
        """As `decided`, of a version that a person has approved: who said so, and why, is kept."""
        passed = self.verdict.decision == "promote"
        found = self.decided(said.decision if passed else self.verdict.decision, said.actor)
        evidence = {**found.evidence, **said.evidence, "said": said.why}
        return replace(found, why=said.why if passed and said.why else found.why, evidence=evidence)


def judged(
    registry: Registry,
    task: Task,
    today: Today,
    contenders: tuple[Version, Standing],
    actor: str,
) -> Judged:
    """Judge the first against the second, and publish the verdict.

    Where the champion is lost there is nothing to hold it against, and no first model either.

    Raises:
        Busy: something it needs is held by another process: that is no verdict.
    """
    challenger, against = contenders
    found = (
        nothing(against.lost)
        if against.lost
        else gather(registry, task, today, challenger, against.champion)
    )
    verdict = judge(task.gate, found)
    publish(registry, challenger, against, verdict, actor)
    return Judged(version=challenger, champion=against.champion, evidence=found, verdict=verdict)


def gather(
    registry: Registry, task: Task, today: Today, challenger: Version, champion: Version | None
) -> Evidence:
    """Measure; whatever goes wrong is a reason not to promote, never a pass."""
    try:
        integrity.require(challenger.digest, challenger.name)
        # what serving would refuse to load must not become champion
        loaded = repeats.load(registry, challenger)
        contender = Contender.load(challenger.number, loaded.folder)
        other = Contender.load(champion.number, registry.folder(champion)) if champion else None
        return evidence(
            task, today.frames(), contender, other, today.definitions(),
            skew=today.replay(contender, other),
        )  # fmt: skip
    except Busy:
        raise
    except Exception as error:  # noqa: BLE001  # the gate fails closed on anything, and says why
        return nothing(f"{type(error).__name__}: {error}")


def publish(
    registry: Registry, version: Version, against: Standing, verdict: Verdict, actor: str
) -> None:
    """Write the verdict with every finding onto the version, in place of an earlier one."""
    tags = {
        "verdict": verdict.decision,
        "verdict.at": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict.by": actor,
        "verdict.against": against.name,
        "verdict.why": " ".join(verdict.reasons),
    }
    for number, finding in enumerate(verdict.findings, start=1):
        tags[f"gate.{number:02d}"] = f"{finding.outcome}: {finding.rule}. {finding.words}"
    registry.tag(version, tags)
    stale = [key for key in version.tags if key.startswith("gate.") and key not in tags]
    registry.untag(version, stale)
