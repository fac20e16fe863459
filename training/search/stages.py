"""Who goes on to a larger sample, and how the time is shared among the stages.

Successive enlargement: everything drawn meets on the smallest sample, the best eight of it on
the next, the best four of those on the one after; the last stage decides. After the successive
halving of Jamieson and Talwalkar (2016), with rows as the resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna.trial import FrozenTrial

from lifecycle.metrics import HIGHER_IS_BETTER
from training.search.plan import FINALISTS, Plan
from training.search.slots import usable

FIRST_SHARE = 0.5  # of the seconds, for the first of several stages
LIMITLESS = 1_000_000  # slots, where only time ends the search


def best_first(trials: Iterable[FrozenTrial], plan: Plan) -> list[FrozenTrial]:
    """Those with a number, best first; the earlier slot first among equals."""
    sign = -1.0 if HIGHER_IS_BETTER[plan.metric] else 1.0
    return sorted(
        (trial for trial in trials if usable(trial)),
        key=lambda t: (sign * float(t.value or 0.0), t.user_attrs["slot"]),
    )


def takers(stage: int) -> int:
    """How many candidates a stage after the first takes."""
    return max(1, FINALISTS >> (stage - 1))


def until(stage: int, sizes: Sequence[float], *, now: float, began: float, ends: float) -> float:
    """When a stage should end.

    The first has half of the time. Whatever is left is shared among the others as their work is:
    candidates times rows. The last ends with the search.

    Args:
        stage: about to begin.
        sizes: rows to fit on, by stage.
        now: the time.
        began: when the search began.
        ends: when it should end.
    """
    if stage == len(sizes) - 1:
        return ends
    if stage == 0:
        return began + FIRST_SHARE * (ends - began)
    work = [takers(i) * sizes[i] for i in range(stage, len(sizes))]
    return now + max(0.0, ends - now) * work[0] / sum(work)
