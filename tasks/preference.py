"""Which content will this customer take up?"""

from __future__ import annotations

from lifecycle.gate import (
    AtLeast,
    AtMost,
    Better,
    Gate,
    NoSkew,
    NotWorse,
    NotWorseOnSlices,
    SignatureCompatible,
)
from lifecycle.label import MostTaken
from lifecycle.task import Monitor, Task
from tasks._slices import SLICES
from tasks._trees import TREES

TASK = Task(
    name="preference",
    question="Which content type will this customer take up most in the next {days} days?",
    label=MostTaken(),
    horizon_days=14,
    metric="log_loss",
    search=TREES,
    gate=Gate(
        rules=(
            AtLeast("log_loss_skill", 0.0),
            AtMost("ece", 0.10),
            AtMost("latency_ms", 5.0),  # far from what is usual, as in tasks/churn.py
            AtMost("size_mb", 200.0),
            Better("log_loss", higher_is_better=False),  # as in tasks/churn.py
            NotWorse("accuracy", margin=0.02),
            # every row says something of every class: no class needs rows of its own
            NotWorseOnSlices(
                "log_loss", margin=0.04, by=SLICES, least_positives=0, higher_is_better=False
            ),
            SignatureCompatible(),
            NoSkew(),
        )
    ),
    monitor=Monitor(metric="accuracy", tolerated_loss=0.08),
    latency_ms=1.0,  # a forest for each of the classes
)
