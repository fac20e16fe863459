"""Who goes on to a larger sample, and how the time is shared among the stages.

Successive enlargement: everything drawn meets on the smallest sample, the best four of it on
the next, the best two of those on the one after; the last stage decides. After the successive
halving of Jamieson and Talwalkar (2016), with rows as the resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna.trial import FrozenTrial

from lifecycle.metrics import HIGHER_IS_BETTER
from training.search.plan import Plan
from training.search.slots import usable

TAKERS = 4  # candidates of the first stage that go on
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
    return max(1, TAKERS >> (stage - 1))


def spread(best: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
    """So many of the best, among them each algorithm's best without balancing; best first.

    What is made at the end is a blend of both boosters, in which balancing must show that it
    helps: neither can be seen where one kind has taken every place. And which is better on a
    sample need not be on all rows: the first known good point goes on whatever it scored there,
    and no algorithm takes more than its share of the places.
    """
    first: dict[str, FrozenTrial] = {}
    for trial in best:
        if trial.params.get("balancing", "none") == "none":
            first.setdefault(trial.params["algorithm"], trial)
    known = [
        t for t in best if t.user_attrs["slot"] == 0 and all(t is not o for o in first.values())
    ]
    chosen = [*first.values(), *known][:count]
    share = -(-count // len({trial.params["algorithm"] for trial in best} or {""}))
    for most in (share, count):  # beyond its share where the others have no more
        for trial in best:
            own = sum(one.params["algorithm"] == trial.params["algorithm"] for one in chosen)
            taken = any(trial is one for one in chosen)
            if len(chosen) < count and own < most and not taken:
                chosen.append(trial)
    places = {id(trial): place for place, trial in enumerate(best)}
    return sorted(chosen, key=lambda trial: places[id(trial)])


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
