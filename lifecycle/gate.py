"""The promotion gate: rules as data, judged by one pure function that returns every finding.

It fails closed. A metric that is missing or not a number, too few rows or positives, and rows
that either model was trained on are each a finding of `could not tell`, and a gate that could
not tell does not promote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["passed", "failed", "could not tell"]
Decision = Literal["promote", "refuse", "cannot judge"]


@dataclass(frozen=True)
class AtLeast:
    """The challenger's metric reaches a floor."""

    metric: str
    floor: float


@dataclass(frozen=True)
class AtMost:
    """The challenger's metric stays below a ceiling."""

    metric: str
    ceiling: float


@dataclass(frozen=True)
class NotWorse:
    """The challenger is not worse than the champion by more than a margin, on the same rows.

    Judged by the interval of the paired difference: it passes when the whole interval lies on
    the right side of the margin. `higher_is_better` says which side that is.
    """

    metric: str
    margin: float
    higher_is_better: bool = True


Rule = AtLeast | AtMost | NotWorse


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a version must show before it may serve."""

    rules: tuple[Rule, ...]
    least_rows: int = 200
    least_positives: int = 30


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Challenger minus champion on the same rows, with its confidence interval."""

    value: float
    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured on rows that came after both models.

    Attributes:
        rows: evaluation rows.
        positives: rows of the rarest class.
        seen: evaluation rows that either model was trained or calibrated on.
        metrics: metric → the challenger's value.
        differences: metric → challenger against champion; None when there is no champion.
        problem: what kept us from measuring; empty when nothing did.
    """

    rows: int
    positives: int
    seen: int
    metrics: Mapping[str, float]
    differences: Mapping[str, Difference] | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule, what it found, and the sentence a person reads."""

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


def judge(gate: Gate, evidence: Evidence) -> Verdict:
    """Apply every rule to the evidence. Never stops at the first finding."""
    findings = [*sufficiency(gate, evidence)]
    findings += [finding for rule in gate.rules if (finding := apply(rule, evidence)) is not None]
    if evidence.differences is None:
        findings.append(
            Finding(
                rule="first model",
                outcome="passed",
                words="There is no champion yet: only the floors were judged.",
            )
        )
    return Verdict(decision=decide(findings), findings=tuple(findings))


def decide(findings: Sequence[Finding]) -> Decision:
    """Refusal is the stronger word: a broken floor is known even where something else is not."""
    outcomes = {finding.outcome for finding in findings}
    if "failed" in outcomes:
        return "refuse"
    return "cannot judge" if "could not tell" in outcomes else "promote"


def sufficiency(gate: Gate, evidence: Evidence) -> list[Finding]:
    """Whether the evidence can carry a judgement at all."""
    checks = (
        (not evidence.problem, "measured", f"It could not be measured: {evidence.problem}"),
        (
            evidence.rows >= gate.least_rows,
            "enough rows",
            f"{evidence.rows} evaluation rows; at least {gate.least_rows} are needed.",
        ),
        (
            evidence.positives >= gate.least_positives,
            "enough positives",
            (
                f"{evidence.positives} rows of the rarest class; "
                f"at least {gate.least_positives} are needed."
            ),
        ),
        (
            evidence.seen == 0,
            "unseen rows",
            f"{evidence.seen} evaluation rows were in a training or calibration set.",
        ),
    )
    return [
        Finding(rule=rule, outcome="passed" if fine else "could not tell", words=words)
        for fine, rule, words in checks
        if not fine or rule != "measured"
    ]


def apply(rule: Rule, evidence: Evidence) -> Finding | None:
    """Judge one rule; None where it does not apply (no champion to compare with)."""
    if isinstance(rule, NotWorse):
        return not_worse(rule, evidence)
    name = f"{rule.metric} {'≥' if isinstance(rule, AtLeast) else '≤'}"
    threshold = rule.floor if isinstance(rule, AtLeast) else rule.ceiling
    value = evidence.metrics.get(rule.metric)
    if value is None or not math.isfinite(value):
        return Finding(
            rule=f"{name} {threshold:g}",
            outcome="could not tell",
            threshold=threshold,
            words=f"{rule.metric} was not measured"
            + ("." if value is None else f": it came out as {value}."),
        )
    passed = value >= threshold if isinstance(rule, AtLeast) else value <= threshold
    bound = "at least" if isinstance(rule, AtLeast) else "at most"
    return Finding(
        rule=f"{name} {threshold:g}",
        outcome="passed" if passed else "failed",
        value=value,
        threshold=threshold,
        words=f"{rule.metric} is {value:.4f}; {bound} {threshold:g} is asked.",
    )


def not_worse(rule: NotWorse, evidence: Evidence) -> Finding | None:
    """Judge the interval of challenger minus champion against the margin."""
    if evidence.differences is None:
        return None
    name = f"{rule.metric} not worse by {rule.margin:g}"
    found = evidence.differences.get(rule.metric)
    if found is None or not all(map(math.isfinite, (found.value, found.low, found.high))):
        return Finding(
            rule=name,
            outcome="could not tell",
            threshold=rule.margin,
            words=f"{rule.metric} was not compared with the champion's.",
        )
    worst = found.low if rule.higher_is_better else -found.high
    passed = worst >= -rule.margin
    return Finding(
        rule=name,
        outcome="passed" if passed else "failed",
        value=found.value,
        low=found.low,
        high=found.high,
        threshold=rule.margin,
        words=(
            f"{rule.metric} differs from the champion's by {found.value:+.4f} "
            f"({found.confidence:.0%} interval {found.low:+.4f} to {found.high:+.4f}, "
            f"{found.method}); a loss of {rule.margin:g} is allowed."
        ),
    )
