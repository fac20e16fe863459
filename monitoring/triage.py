"""What to do about a window: one verdict by rules over frozen evidence.

Rules are data, in order of precedence. The first that applies gives the verdict, and every
other one that applies is kept beside it, so that a person sees what else was going on. Nothing
here reads a store or a clock, and nothing is counted up: what was decided before is read from
the ledger (`Evidence.history`) and what happened from the prediction log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lifecycle.job_states import Trigger
from monitoring import reasons as why
from monitoring.evidence import Champion, Evidence, Past

__all__ = ["RULES", "TRIGGERS", "Champion", "Evidence", "Finding", "Looked", "Outcome",
           "Past", "Rule", "Verdict", "explain", "triage"]  # fmt: skip

Outcome = Literal["ignore", "watch", "broken data", "retrain", "roll back", "insufficient data"]
Words = Callable[[Evidence], str]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A name, an outcome, and what makes it apply.

    Attributes:
        reason: why it applies, in words; nothing when it does not.
        numbers: what it looked at, whether it applies or not.
        names: what happened to the world, where the rule says so.
        trigger: of the retrain job that it opens; only decay has ranking to regain.
    """

    name: str
    outcome: Outcome
    reason: Words
    numbers: Words
    names: str = ""
    trigger: Trigger | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule that applied."""

    rule: str
    outcome: Outcome
    words: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One rule, whether it applied or not, with the numbers it looked at."""

    rule: str
    outcome: Outcome
    applies: bool
    decides: bool
    numbers: str
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome and every rule that applied, the deciding one first."""

    outcome: Outcome
    findings: tuple[Finding, ...] = field(default=())

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentence that decided first, then what else applied."""
        return tuple(finding.words for finding in self.findings)

    @property
    def rule(self) -> str:
        """Which rule decided."""
        return self.findings[0].rule


def triage(evidence: Evidence) -> Verdict:
    """Apply every rule; the first that applies decides."""
    findings = tuple(
        Finding(rule=rule.name, outcome=rule.outcome, words=words)
        for rule in RULES
        if (words := rule.reason(evidence))
    )
    return Verdict(outcome=findings[0].outcome, findings=findings[:-1] or findings)


def explain(evidence: Evidence) -> tuple[Looked, ...]:
    """Every rule in order of precedence: what it looked at, and what it said."""
    deciding = triage(evidence).rule
    said = [(rule, rule.reason(evidence)) for rule in RULES]
    return tuple(
        Looked(
            rule=rule.name,
            outcome=rule.outcome,
            applies=bool(words),
            decides=rule.name == deciding,
            numbers=rule.numbers(evidence),
            words=words,
        )
        for rule, words in said
    )


RULES: tuple[Rule, ...] = (
    Rule(name="source is quiet", outcome="broken data", reason=why.stale,
         numbers=why.breach_numbers("freshness"), names="broken pipe"),
    Rule(name="not scored", outcome="broken data", reason=why.unscored,
         numbers=why.breach_numbers("volume"), names="broken pipe"),
    Rule(name="too few rows", outcome="insufficient data", reason=why.too_few,
         numbers=why.row_numbers),
    Rule(name="impossible values", outcome="broken data", reason=why.impossible,
         numbers=why.breach_numbers(*why.VALUES, *why.ARRIVALS, *why.SERVED), names="broken pipe"),
    Rule(name="bad promotion", outcome="roll back", reason=why.bad_promotion,
         numbers=why.promotion_numbers),
    Rule(name="cooling down", outcome="watch", reason=why.cooling, numbers=why.cooling_numbers),
    Rule(name="budget", outcome="watch", reason=why.spent, numbers=why.budget_numbers),
    Rule(name="decay", outcome="retrain", reason=why.decay, numbers=why.decay_numbers,
         names="concept drift", trigger="decay"),
    Rule(name="base rate", outcome="retrain", reason=why.calibration_break,
         numbers=why.calibration_numbers, names="prior shift", trigger="drift"),
    Rule(name="not recovered", outcome="watch", reason=why.not_recovered,
         numbers=why.recovery_numbers),
    Rule(name="one bad window", outcome="watch", reason=why.one_bad_window,
         numbers=why.decay_numbers),
    Rule(name="expected loss", outcome="watch", reason=why.expected_loss,
         numbers=why.estimate_numbers, names="covariate shift"),
    Rule(name="drift", outcome="watch", reason=why.drift_words, numbers=why.drift_numbers,
         names="covariate shift"),
    Rule(name="nothing", outcome="ignore", reason=why.nothing, numbers=why.row_numbers),
)  # fmt: skip

TRIGGERS: Mapping[str, Trigger] = {rule.name: rule.trigger for rule in RULES if rule.trigger}
