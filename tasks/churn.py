"""Will this customer drop off?"""

from __future__ import annotations

from lifecycle.costs import Costs
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
from lifecycle.label import Inactive
from lifecycle.task import Monitor, Task
from tasks._slices import SLICES
from tasks._trees import TREES

TASK = Task(
    name="churn",
    question="Will this customer do nothing at all in the next {days} days?",
    label=Inactive(),
    horizon_days=14,
    metric="log_loss",
    search=TREES,
    gate=Gate(
        rules=(
            AtLeast("roc_auc", 0.55),  # a data set may ask more: `[tasks.churn.floors]`
            AtMost("ece", 0.10),
            AtLeast("log_loss_skill", 0.0),
            # far from what is usual (0.3 ms, 2 MB): a busy machine is no reason to refuse
            AtMost("latency_ms", 5.0),
            AtMost("size_mb", 200.0),
            # a champion stays unless something is won: of equal models one in forty would pass
            Better("log_loss", higher_is_better=False),
            NotWorse("roc_auc", margin=0.01),
            NotWorseOnSlices("log_loss", margin=0.02, by=SLICES, higher_is_better=False),
            SignatureCompatible(),
            NoSkew(),
        )
    ),
    monitor=Monitor(metric="roc_auc", tolerated_loss=0.05),
    # An example, so that the reports show money: put in what your offer costs and saves, here or
    # in the data set's TOML file. The answer is "yes" from 2 / (40 × 0.15) = 0.33 on.
    costs=Costs(offer=2.0, saved=40.0, accepted=0.15, currency="EUR"),
)
