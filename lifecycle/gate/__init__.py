"""The promotion gate: rules are data, evidence is data, and one pure function judges.

It fails closed. What is missing, not a number, too little, or was seen in training is each a
finding of `could not tell`, and a gate that could not tell does not promote.
"""

from __future__ import annotations

from lifecycle.gate.evidence import (
    Difference,
    Evidence,
    Mismatch,
    SignatureDifference,
    Skew,
    SliceDifference,
)
from lifecycle.gate.judge import judge
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

__all__ = [
    "AtLeast",
    "AtMost",
    "Better",
    "Decision",
    "Difference",
    "Evidence",
    "Finding",
    "Gate",
    "Mismatch",
    "NoSkew",
    "NotWorse",
    "NotWorseOnSlices",
    "Outcome",
    "Rule",
    "SignatureCompatible",
    "SignatureDifference",
    "Skew",
    "SliceDifference",
    "Verdict",
    "judge",
]
