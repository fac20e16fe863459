"""What a version must show before it may serve. A task's file holds these; nothing here judges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lifecycle.errors import UsageError

SLICED_BY = ("country", "plan", "device")


def numbers(rule: object, **figures: float) -> None:
    """Refuse a rule that no number could ever be held against.

    Raises:
        UsageError: a figure is not a finite number.
    """
    for name, figure in figures.items():
        if not isinstance(figure, int | float) or not math.isfinite(figure):
            raise unjudgeable(rule, f"Its {name} is {figure!r}.", "Give it a finite number.")


def measure_of(rule: object, metric: object) -> None:
    """Refuse a rule that names no metric: nothing measured would ever meet it.

    Raises:
        UsageError: the metric is no name.
    """
    if not isinstance(metric, str) or not metric:
        raise unjudgeable(rule, f"Its metric is {metric!r}.", 'Name one, such as "roc_auc".')


def unjudgeable(rule: object, found: str, do: str) -> UsageError:
    return UsageError(f"The rule {type(rule).__name__} cannot be judged.", found=found, do=do)


@dataclass(frozen=True)
class AtLeast:
    """The challenger's metric reaches a floor."""

    metric: str
    floor: float

    def __post_init__(self) -> None:
        measure_of(self, self.metric)
        numbers(self, floor=self.floor)


@dataclass(frozen=True)
class AtMost:
    """The challenger's metric stays below a ceiling."""

    metric: str
    ceiling: float

    def __post_init__(self) -> None:
        measure_of(self, self.metric)
        numbers(self, ceiling=self.ceiling)


@dataclass(frozen=True)
class NotWorse:
    """The challenger is not worse than the champion by more than a margin, on the same rows.

    Judged by the interval of the paired difference: it passes when the whole interval lies on
    the right side of the margin, so not knowing is not passing. `higher_is_better` says which
    side that is.
    """

    metric: str
    margin: float
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        measure_of(self, self.metric)
        numbers(self, margin=self.margin)


@dataclass(frozen=True)
class Better:
    """The challenger is better than the champion by more than `by`, on the same rows.

    The whole interval of the paired difference must lie above it. For tasks whose champion
    stays unless something is won: two equal models pass one time in forty.
    """

    metric: str
    by: float = 0.0
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        measure_of(self, self.metric)
        numbers(self, by=self.by)


@dataclass(frozen=True)
class NotWorseOnSlices:
    """In no slice is the challenger surely worse than the champion by more than a margin.

    The reverse burden of `NotWorse`: a slice has few rows, and asking each to prove itself would
    stop every promotion. A slice fails when the loss beyond the margin is significant at `level`
    over all slices tested together (Holm 1979), so that equal models fail at most that often
    however many slices there are.

    Attributes:
        by: features whose values are the slices, each on its own; a profile column may be named
            as the data set names it. Those that the rows lack are left out, and it is said.
        least_rows, least_positives: a slice with fewer (of the rarest class) is not tested, and
            it is said.
        level: share of equal models that may fail, in (0, 1).
    """

    metric: str
    margin: float
    by: tuple[str, ...] = SLICED_BY
    least_rows: int = 100
    least_positives: int = 20
    higher_is_better: bool = True
    level: float = 0.05

    def __post_init__(self) -> None:
        measure_of(self, self.metric)
        numbers(
            self, margin=self.margin, least_rows=self.least_rows,
            least_positives=self.least_positives,
        )  # fmt: skip
        # a text would be read letter by letter, and no letter is a feature: nothing would be judged
        named = isinstance(self.by, tuple) and all(isinstance(one, str) and one for one in self.by)
        if not self.by or not named:
            raise unjudgeable(
                self, f"It slices by {self.by!r}.", 'Give it features, such as ("country", "plan").'
            )
        if not 0 < self.level < 1:
            raise unjudgeable(
                self,
                f"Its level is {self.level}.",
                "Give it a share between 0 and 1, such as 0.05.",
            )


@dataclass(frozen=True)
class SignatureCompatible:
    """Whatever asks the champion today can ask the challenger and understands its answer.

    It needs no feature that is no longer computed, takes no shared feature as another type, and
    can give every answer that the champion gives.
    """


@dataclass(frozen=True)
class NoSkew:
    """Logged requests, replayed offline, give the same features and the same scores.

    Attributes:
        least_requests: how many must have been compared. 0: as many as there are, for tasks that
            nobody may ask online.
        tolerance: by how much two numbers may differ, as a share of the larger where that is
            above one.
    """

    least_requests: int = 50
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        numbers(self, least_requests=self.least_requests, tolerance=self.tolerance)


Rule = AtLeast | AtMost | NotWorse | Better | NotWorseOnSlices | SignatureCompatible | NoSkew


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a version must show before it may serve."""

    rules: tuple[Rule, ...]
    least_rows: int = 200
    least_positives: int = 30

    def bounded(self, bounds: Mapping[str, float]) -> Gate:
        """The gate with other floors and ceilings, by metric.

        Raises:
            UsageError: no single `AtLeast` or `AtMost` has the metric.
        """
        known = [rule.metric for rule in self.rules if isinstance(rule, AtLeast | AtMost)]
        for metric in bounds:
            if known.count(metric) != 1:
                raise UsageError(
                    f"The gate cannot take another bound of {metric!r}.",
                    found=f"{known.count(metric)} of its rules bound that metric; there are "
                    f"bounds of {', '.join(known) or 'nothing'}.",
                    do="Name one of those, or give the task an AtLeast or AtMost of it.",
                )
        return replace(self, rules=tuple(bounded(rule, bounds) for rule in self.rules))


def bounded(rule: Rule, bounds: Mapping[str, float]) -> Rule:
    """The rule with the floor or ceiling that is given for its metric, if one is."""
    if isinstance(rule, AtLeast):
        return replace(rule, floor=bounds.get(rule.metric, rule.floor))
    if isinstance(rule, AtMost):
        return replace(rule, ceiling=bounds.get(rule.metric, rule.ceiling))
    return rule
