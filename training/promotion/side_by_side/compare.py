"""Two versions of a task side by side: on the same unseen rows, and in what was recorded of them.

Nothing is decided here and nothing is changed. Where there are no rows that neither version has
seen, it says so, and what is left is each version's own test: numbers of two exams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pandas as pd

from lifecycle.errors import OnrampError, UnknownName, UsageError
from lifecycle.event_store import EventStore
from lifecycle.gate.rules import SLICED_BY
from lifecycle.home import Home
from lifecycle.metrics import METRICS
from lifecycle.registry import Registry
from lifecycle.task import Task
from training.other_data import other_question
from training.promotion.side_by_side import curves
from training.promotion.side_by_side.changes import choices, feature_changes
from training.promotion.side_by_side.common import Common, NoRows, common_rows
from training.promotion.side_by_side.importance import importances
from training.promotion.side_by_side.measured import MONEY, Asked, same_rows
from training.promotion.side_by_side.recorded import Entrant, entrant
from training.promotion.side_by_side.values import Comparison
from training.promotion.slices import column

Today = Callable[[], tuple[pd.DataFrame, Mapping[str, str]]]


def compare(  # noqa: PLR0913  # one thing each, the optional ones by name
    home: Home, task: Task, first: int, second: int,
    *, metric: str | None = None, by: Sequence[str] = (), as_of: datetime | None = None,
) -> Comparison:  # fmt: skip
    """Hold two registered versions against each other.

    Args:
        home: where they are registered.
        task: as the home's data set asks it.
        first: the number of one.
        second: of the other; differences are its less the first's.
        metric: by which slices are compared; None: what the task optimises.
        by: features to slice by, a profile column also as the data set names it; none: every
            category, country, plan and device before others.
        as_of: the rows are those whose label was known then; None: now, on the data set's clock.

    Raises:
        UsageError: the same version twice, or versions that answer another kind of question.
        UnknownName: there is no such version, metric or feature.
    """

    def today() -> tuple[pd.DataFrame, Mapping[str, str]]:
        now = as_of or EventStore(home).as_of(home.dataset())
        from features.store import definitions  # noqa: PLC0415  # Feast: 4 s that a frame spares
        from training.dataset import assemble  # noqa: PLC0415  # as above

        return assemble(home, task, now).frame, definitions(home, task.name)

    return compare_on(home, task, first, second, today, metric=metric, by=by)


def compare_on(  # noqa: PLR0913  # as `compare`
    home: Home, task: Task, first: int, second: int, today: Today,
    *, metric: str | None = None, by: Sequence[str] = (),
) -> Comparison:  # fmt: skip
    """As `compare`, on given labelled moments with the definitions of their features."""
    metric = metric or task.metric
    known = [*METRICS[task.kind], *([MONEY] if task.costs else [])]
    if metric not in known:
        raise UnknownName(f"metric of a {task.kind} task", metric, known)
    one, other = entrants(home, task, first, second)
    common, problem = rows_of(task, today, one, other)
    asked = Asked(
        first=first, second=second, metric=metric,
        by=sliced(common, (one, other), by) if common else (),
    )  # fmt: skip
    differing, same = choices(one, other)
    return Comparison(
        task=task.name,
        question=task.asked,
        kind=task.kind,
        first=one.side,
        second=other.side,
        notes=(*questions(task, (one, other)), *(common.notes if common else ())),
        same_rows=same_rows(common, asked) if common else None,
        problem=problem,
        same_test_rows=same_test(one, other),
        calibration=(
            curves.on_same_rows(common.pair, first, second)
            if common
            else curves.on_own_rows((one, other))
        ),
        importances=importances(one, other, common.frame if common else None),
        choices=differing,
        same_choices=same,
        features=feature_changes(one, other),
    )


def entrants(home: Home, task: Task, first: int, second: int) -> tuple[Entrant, Entrant]:
    """Both versions, if they can be held against each other at all."""
    if first == second:
        raise UsageError(
            f"Version {first} of {task.name} cannot be compared with itself.",
            do=f"Name two versions, as in `onramp compare {task.name} {max(first - 1, 1)} "
            f"{max(first, 2)}`. `onramp leaderboard {task.name}` lists them.",
        )
    registry = Registry(home)
    versions = [registry.version(task.name, number) for number in (first, second)]
    one, other = (entrant(registry, version) for version in versions)
    kinds = [str(each.facts["kind"]) for each in (one, other)]
    if set(kinds) != {task.kind}:
        raise UsageError(
            f"Versions {first} and {second} of {task.name} answer different kinds of question.",
            found=f"They are {kinds[0]} and {kinds[1]}; the task is {task.kind}.",
            do="Compare versions that were trained since the task's label changed.",
        )
    return one, other


def rows_of(task: Task, today: Today, one: Entrant, other: Entrant) -> tuple[Common | None, str]:
    """The rows that neither has seen, or why there are none."""
    try:
        frame, definitions = today()
    except OnrampError as error:  # what was recorded can be compared all the same
        return None, f"Today's rows cannot be had: {error}"
    found = common_rows(task, frame, one.contender, other.contender, definitions)
    return (None, found.problem) if isinstance(found, NoRows) else (found, "")


def sliced(common: Common, both: Sequence[Entrant], by: Sequence[str]) -> tuple[str, ...]:
    """The features asked for, or the categories of either version.

    Raises:
        UnknownName: a feature that today's rows do not have.
    """
    features = {name: kind for one in both for name, kind in one.scorer.features}
    known = [name for name in features if name in common.frame.columns]
    if by:
        meant = {name: column(common.frame, name) for name in by}
        for name, there in meant.items():
            if there not in known:
                raise UnknownName("feature", name, known)
        return tuple(dict.fromkeys(meant.values()))
    foremost = [column(common.frame, name) for name in SLICED_BY]
    return tuple(
        sorted(
            (name for name in known if features[name] == "category"),
            key=lambda name: (
                foremost.index(name) if name in foremost else len(foremost),
                name,
            ),
        )
    )


def questions(task: Task, both: Sequence[Entrant]) -> list[str]:
    """Versions that were asked something else than the task asks today."""
    return [
        f"Version {one.number} learned another question. {' '.join(other)}"
        for one in both
        if (other := other_question(task, one.facts))
    ]


def same_test(one: Entrant, other: Entrant) -> bool:
    """Whether they were judged on the very same rows and labels, as far as it was recorded."""
    told = [each.side.test_fingerprint for each in (one, other)]
    return bool(told[0]) and told[0] == told[1]
