"""The rules of `benchmarks/gate.py`: Onramp's judge with four gates, and what others ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from benchmarks.gate_duels import Met
from lifecycle.dataset import read_dataset
from lifecycle.gate import (
    AtLeast,
    AtMost,
    Better,
    Difference,
    Evidence,
    Gate,
    NotWorse,
    NotWorseOnSlices,
    Rule,
    Verdict,
    judge,
)
from lifecycle.metrics import METRICS, measure
from lifecycle.task import Task, for_dataset
from tasks.churn import TASK
from training.promotion.evidence import compared
from training.promotion.labels import rarest
from training.promotion.paired import Z, delong

DATASET = Path(__file__).parents[1] / "datasets" / "simulated.toml"
LEVEL = float(norm.ppf(0.95))  # one-sided
BY_MUCH = 0.01


def answered(rule: Rule) -> bool:
    """Whether the rule looks at the answers: latency, size, signature and skew do not."""
    if isinstance(rule, AtLeast | AtMost):
        return rule.metric in METRICS["binary"]
    return isinstance(rule, NotWorse | Better | NotWorseOnSlices)


WHOLE = for_dataset(TASK, read_dataset(DATASET)).gate
SHIPPED = replace(WHOLE, rules=tuple(filter(answered, WHOLE.rules)))
NO_LOSS = replace(
    SHIPPED,
    rules=tuple(
        NotWorse(rule.metric, margin=BY_MUCH, higher_is_better=rule.higher_is_better)
        if isinstance(rule, Better)
        else rule
        for rule in SHIPPED.rules
    ),
)
MARGINS = {rule.metric: rule.margin for rule in NO_LOSS.rules if isinstance(rule, NotWorse)}
GATES: Mapping[str, Gate] = {
    "the shipped churn gate": SHIPPED,
    "the shipped gate, content with no loss": NO_LOSS,
    "Better ROC-AUC alone": Gate(rules=(Better("roc_auc"),)),
    "Better log-loss alone": Gate(rules=(Better("log_loss", higher_is_better=False),)),
}
OURS = "the shipped churn gate"
NOT_WORSE = "the shipped gate, content with no loss"  # the one that does not ask for a gain

MEASURED: Task = replace(
    TASK, gate=Gate(rules=tuple(dict.fromkeys(r for gate in GATES.values() for r in gate.rules)))
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything that any rule may look at."""

    met: Met
    evidence: Evidence
    by_row: Difference

    def difference(self, metric: str) -> Difference:
        """Challenger less champion, as the gate sees it."""
        return (self.evidence.differences or {})[metric]


def case(met: Met) -> Case:
    """Measure by what the platform itself measures promotions with."""
    labels, answers = met.pair.labels, met.pair.challenger
    known = Evidence(
        rows=len(labels),
        positives=rarest(labels, 2),
        seen=0,  # by construction: nobody learns from the truth's customers
        metrics=measure("binary", labels, answers),
        differences={},
    )
    rows = pd.Series(np.arange(len(labels))).astype(str)
    return Case(
        met=met,
        evidence=compared(MEASURED, met.pair, met.frame, known),
        by_row=delong(replace(met.pair, customers=rows)),
    )


def verdicts(one: Case) -> dict[str, Verdict]:
    return {name: judge(gate, one.evidence) for name, gate in GATES.items()}


def surely(found: Difference) -> bool:
    """Whether a one-sided test at 5 % says that the challenger's is higher."""
    return found.value > LEVEL * (found.high - found.low) / (2 * Z)


NAIVE: Mapping[str, Callable[[Case], bool]] = {
    "AUC is higher": lambda one: one.difference("roc_auc").value > 0,
    "AUC is higher by 0.01": lambda one: one.difference("roc_auc").value > BY_MUCH,
    "log-loss is lower": lambda one: one.difference("log_loss").value < 0,
    "AUC is higher, each on rows of its own": lambda one: one.met.own[0] > one.met.own[1],
    "AUC is higher on the champion's validation rows": lambda one: (
        one.met.held[0] > one.met.held[1]
    ),
    "DeLong one-sided at 5 %, rows for witnesses": lambda one: surely(one.by_row),
    "DeLong one-sided at 5 %, by customer": lambda one: surely(one.difference("roc_auc")),
}
RULES = (*GATES, *NAIVE)


def promotes(one: Case, found: Mapping[str, Verdict]) -> dict[str, bool]:
    """Rule → whether the challenger becomes champion."""
    return {
        **{name: verdict.decision == "promote" for name, verdict in found.items()},
        **{name: bool(rule(one)) for name, rule in NAIVE.items()},
    }
