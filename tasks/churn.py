"""Will this customer drop off?"""

from __future__ import annotations

from lifecycle.costs import Costs
from lifecycle.gate import AtLeast, AtMost, Gate, NotWorse
from lifecycle.label import Inactive
from lifecycle.task import Monitor, Task
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
            AtLeast("roc_auc", 0.55),
            AtMost("ece", 0.10),
            AtLeast("log_loss_skill", 0.0),
            NotWorse("roc_auc", margin=0.01),
            NotWorse("log_loss", margin=0.01, higher_is_better=False),
        )
    ),
    monitor=Monitor(metric="roc_auc", tolerated_loss=0.05),
    # An example, so that the reports show money: put in what your offer costs and saves, here or
    # in the data set's TOML file. The answer is "yes" from 2 / (40 × 0.15) = 0.33 on.
    costs=Costs(offer=2.0, saved=40.0, accepted=0.15, currency="EUR"),
)
