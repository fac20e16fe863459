"""The judge: pure and total. Whatever the evidence holds, it answers, and says every finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lifecycle.gate.compared import better, not_worse, not_worse_on_slices
from lifecycle.gate.evidence import Difference, Evidence
from lifecycle.gate.figures import finite
from lifecycle.gate.replayed import no_skew, signature_compatible
from lifecycle.gate.rules import (
    AtLeast,
    AtMost,
    Better,
    Gate,
    NoSkew,
    NotWorse,
    NotWorseOnSlices,
    Rule,
    SignatureCompatible,
)
from lifecycle.gate.verdict import Decision, Finding, Outcome, Verdict


def judge(gate: Gate, evidence: Evidence) -> Verdict:
    """Apply every rule to the evidence. Never stops at the first finding, and never raises."""
    findings = [*sufficiency(gate, evidence)]
    findings += [found for rule in gate.rules if (found := apply(rule, evidence)) is not None]
    if evidence.differences is None:
        findings.append(first_model(gate))
    return Verdict(decision=decide(findings), findings=tuple(findings))


def first_model(gate: Gate) -> Finding:
    """Without a champion floors are all there is; without floors nothing was judged."""
    if any(isinstance(rule, AtLeast | AtMost) for rule in gate.rules):
        words = "There is no champion yet: only the floors were judged."
        return Finding(rule="first model", outcome="passed", words=words)
    words = "There is no champion to compare with, and the gate has no floor or ceiling."
    return Finding(rule="first model", outcome="could not tell", words=words)


def decide(findings: Sequence[Finding]) -> Decision:
    """Refusal is the stronger word: a broken floor is known even where something else is not."""
    outcomes = {finding.outcome for finding in findings}
    if "failed" in outcomes:
        return "refuse"
    return "promote" if outcomes == {"passed"} else "cannot judge"


def sufficiency(gate: Gate, evidence: Evidence) -> list[Finding]:
    """Whether the evidence can carry a judgement at all."""
    found = []
    if not gate.rules:
        found.append(untold("rules", "The gate has no rule: nothing would be judged."))
    if evidence.problem:
        found.append(untold("measured", f"It could not be measured: {evidence.problem}"))
    rows, positives, seen = map(finite, (evidence.rows, evidence.positives, evidence.seen))
    least = max(gate.least_rows, 1)
    found += [
        counted(
            "enough rows", rows, gate.least_rows, rows is not None and rows >= least,
            f"{evidence.rows} evaluation rows; at least {gate.least_rows} are needed.",
        ),
        counted(
            "enough positives", positives, gate.least_positives,
            positives is not None and positives >= gate.least_positives,
            f"{evidence.positives} rows of the rarest class; "
            f"at least {gate.least_positives} are needed.",
        ),
        counted(
            "unseen rows", seen, 0, seen == 0 and bool(rows),  # of no row nothing is known
            f"{evidence.seen} evaluation rows were in a training or calibration set.",
        ),
    ]  # fmt: skip
    return found


def untold(rule: str, words: str) -> Finding:
    return Finding(rule=rule, outcome="could not tell", words=words)


def counted(rule: str, count: float | None, threshold: float, fine: bool, words: str) -> Finding:
    """A count held against what is asked of it."""
    outcome: Outcome = "passed" if fine else "could not tell"
    return Finding(rule=rule, outcome=outcome, value=count, threshold=threshold, words=words)


def apply(rule: Rule, evidence: Evidence) -> Finding | None:
    """Judge one rule; None where it does not apply: there is no champion to compare with."""
    if isinstance(rule, AtLeast | AtMost):
        return bound(rule, evidence)
    if isinstance(rule, SignatureCompatible):
        return signature_compatible(evidence)
    if isinstance(rule, NoSkew):
        return no_skew(rule, evidence)
    if evidence.differences is None and isinstance(rule, NotWorse | Better | NotWorseOnSlices):
        return None
    return compare(rule, evidence, evidence.differences or {})


def compare(rule: object, evidence: Evidence, differences: Mapping[str, Difference]) -> Finding:
    """Judge a rule that holds the challenger against the champion.

    Whatever else a task's file has put among the rules does not pass: nobody can judge it.
    """
    if isinstance(rule, NotWorse):
        return not_worse(rule, differences)
    if isinstance(rule, Better):
        return better(rule, differences)
    if isinstance(rule, NotWorseOnSlices):
        return not_worse_on_slices(rule, evidence)
    name = type(rule).__name__
    words = f"Nobody knows how to judge a rule {name}."
    return Finding(rule=name, outcome="could not tell", words=words)


def bound(rule: AtLeast | AtMost, evidence: Evidence) -> Finding:
    """Hold a metric of the challenger's own against its floor or ceiling."""
    least = isinstance(rule, AtLeast)
    threshold = rule.floor if isinstance(rule, AtLeast) else rule.ceiling
    name = f"{rule.metric} {'≥' if least else '≤'} {threshold:g}"
    measured = evidence.metrics.get(rule.metric)
    value = finite(measured)
    if value is None:
        how = "." if measured is None else f": it came out as {measured}."
        words = f"{rule.metric} was not measured{how}"
        return Finding(rule=name, outcome="could not tell", threshold=threshold, words=words)
    passed = value >= threshold if least else value <= threshold
    asked = "at least" if least else "at most"
    return Finding(
        rule=name,
        outcome="passed" if passed else "failed",
        value=value,
        threshold=threshold,
        words=f"{rule.metric} is {value:.4f}; {asked} {threshold:g} is asked.",
    )
