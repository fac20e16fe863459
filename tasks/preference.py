"""Which content will this customer take up?"""

from __future__ import annotations

from lifecycle.gate import AtLeast, AtMost, Gate, NotWorse
from lifecycle.label import MostTaken
from lifecycle.task import Monitor, Task
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
            NotWorse("accuracy", margin=0.02),
            NotWorse("log_loss", margin=0.02, higher_is_better=False),
        )
    ),
    monitor=Monitor(metric="accuracy", tolerated_loss=0.08),
)
