"""Applies a task's open rollout to its seat, and sends a canary back when a guardrail says so.

All of it runs in the watcher's thread. A server judges what it has answered itself; whichever
server ends a rollout ends it for all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from lifecycle.gate.verdict import Finding
from lifecycle.rollouts import END, RETURN, Because, Rollout, Rollouts
from serving.champion import Champion
from serving.guard import Done, Failed, attempt
from serving.rollout.guardrails import GUARDRAILS, Guardrail, judge
from serving.rollout.seen import Seen
from serving.seat import Beside, Seat, Sitting

ACTOR = "server"

_logger = logging.getLogger("onramp.serving")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """An end that this server has decided on."""

    rollout: Rollout
    decision: str
    because: Because


class RolloutWatch:
    """One for all seats.

    Attributes:
        load: makes a version of a task ready to answer.
    """

    def __init__(
        self,
        rollouts: Rollouts,
        load: Callable[[str, int], Sitting],
        rules: Sequence[Guardrail] = GUARDRAILS,
    ) -> None:
        self.rollouts, self.load, self.rules = rollouts, load, rules
        self._ended: dict[int, Ending] = {}
        self._owed: set[int] = set()

    def look_at(self, seat: Seat) -> None:
        """Bring the seat to what the home says of the task's rollout."""
        sitting = seat.sitting
        if sitting is None:
            return
        looked = attempt(lambda: self.rollouts.open(seat.task))
        if isinstance(looked, Failed):
            _logger.warning("%s: the rollout cannot be read: %s", seat.task, looked.reason)
            return
        plan = looked.value
        if plan is None or plan.number in self._ended:
            seat.sitting = replace(sitting, beside=None) if sitting.beside else sitting
        elif plan.champion != sitting.champion.version:
            words = f"Version {sitting.champion.version} is the champion now."
            self._end(seat, plan, END, words, ())
        elif sitting.beside is None or sitting.beside.plan != plan:
            self._begin(seat, sitting, plan)

    def judge(self, seat: Seat) -> None:
        """Hold what was seen against the guardrails; a canary that broke one goes back."""
        self._write()
        beside = seat.sitting.beside if seat.sitting else None
        if beside is None:
            return
        findings = judge(beside.seen.record(), self.rules)
        beside.seen.found(findings)
        broken = [one for one in findings if one.outcome == "failed"]
        if broken and not beside.shadow:
            words = " ".join(f"{one.rule}: {one.words}" for one in broken)
            self._end(seat, beside.plan, RETURN, words, beside.seen.findings())

    def _begin(self, seat: Seat, sitting: Sitting, plan: Rollout) -> None:
        """Seat the challenger beside the champion, once it has shown that it works."""
        now = sitting.beside
        if now is not None and now.challenger.champion.version == plan.challenger:
            made: Done[Sitting] | Failed = Done(now.challenger)
        else:
            made = attempt(lambda: self.load(seat.task, plan.challenger))
        if isinstance(made, Failed):
            words = f"Version {plan.challenger} was not seated. {made.reason}"
            self._end(seat, plan, END if plan.stage == "shadow" else RETURN, words, ())
            return
        # what was seen at another stage or share is of other customers
        seen = Seen(classes(sitting.champion))
        beside = Beside(plan=plan, challenger=made.value, seen=seen)
        seat.sitting = replace(sitting, beside=beside)
        _logger.info("%s: %s", seat.task, plan.words)

    def _end(
        self, seat: Seat, plan: Rollout, decision: str, words: str, findings: Sequence[Finding]
    ) -> None:
        """Take the challenger away at once; then say so in the home, as soon as that can be."""
        if seat.sitting is not None:
            seat.sitting = replace(seat.sitting, beside=None)
        _logger.warning("%s: %s: %s", seat.task, decision, words)
        because = Because(
            actor=ACTOR, why=words, evidence={"findings": [asdict(one) for one in findings]}
        )
        self._ended[plan.number] = Ending(rollout=plan, decision=decision, because=because)
        self._owed.add(plan.number)
        self._write()

    def _write(self) -> None:
        """Write what is owed to the ledger; a locked database is tried again at the next look."""
        for number in sorted(self._owed):
            one = self._ended[number]
            told = attempt(partial(self.rollouts.end, one.rollout, one.decision, one.because))
            if isinstance(told, Failed):
                _logger.warning("%s: not in the ledger yet: %s", one.rollout.task, told.reason)
                return
            self._owed.discard(number)


def classes(champion: Champion) -> tuple[str, ...]:
    """Whose probabilities are compared: of a binary task the positive one says it all."""
    names = tuple(map(str, champion.scorer.classes))
    return names[1:] if champion.scorer.kind == "binary" else names
