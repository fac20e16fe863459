"""What a comparison holds: plain frozen values, written as JSON as they are.

`first` and `second` are the versions in the order in which they were named. Every difference is
the second's value less the first's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lifecycle.gate import Difference
from lifecycle.task import Kind


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the gate said of a version.

    Attributes:
        decision: promote, refuse, cannot judge, or that it was not judged yet.
        at, by: when and by whom; empty where it was not judged.
        against: number of the champion of then; empty: there was none.
        why: every reason, as the version's tag has them.
    """

    decision: str
    at: str
    by: str
    against: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two versions, as it was recorded.

    Attributes:
        as_of: what was received later was not known to it.
        labels_known_until: end of the last label that it learned from.
        test_signed_up_from: its test customers signed up from then on.
        test_from, test_until: days of its first and its last test moment; empty: not recorded.
        test_fingerprint: of its test rows and labels; empty: not recorded.
        rows: part of its data → rows.
        metrics: on its own test rows.
        warnings: what its training warned of.
    """

    number: int
    aliases: tuple[str, ...]
    run_id: str
    as_of: str
    labels_known_until: str
    test_signed_up_from: str
    test_from: str
    test_until: str
    test_fingerprint: str
    data_fingerprint: str
    lineage: Mapping[str, str]
    rows: Mapping[str, int]
    metrics: Mapping[str, float | None]
    verdict: Judgement
    warnings: str


@dataclass(frozen=True, kw_only=True)
class MetricPair:
    """One metric of both versions on the same rows.

    Attributes:
        better: number of the version that is better, beyond the interval; None: neither is.
    """

    metric: str
    higher_is_better: bool
    first: float
    second: float
    difference: Difference
    better: int | None


@dataclass(frozen=True, kw_only=True)
class SlicePair:
    """The metric of both versions on the rows that share one value of a feature.

    Attributes:
        rarest: rows of the slice's rarest class.
        p_value: of no difference, two-sided, by Holm's step-down over all slices compared.
        better: as of `MetricPair`, where `p_value` is below 5 %.
    """

    feature: str
    value: str
    rows: int
    rarest: int
    first: float
    second: float
    difference: Difference
    p_value: float
    better: int | None


@dataclass(frozen=True, kw_only=True)
class Slices:
    """The same rows by value of some features.

    Attributes:
        left_out: `feature value (rows)` of slices too small to say anything of, and features
            with too many values.
    """

    metric: str
    higher_is_better: bool
    compared: tuple[SlicePair, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SameRows:
    """Both versions on rows that neither has seen.

    Attributes:
        rarest: rows of the rarest class.
        first_moment, last_moment: of the rows, ISO 8601.
    """

    rows: int
    customers: int
    rarest: int
    first_moment: str
    last_moment: str
    metrics: tuple[MetricPair, ...]
    slices: Slices


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Rows of like probability.

    Attributes:
        said: mean probability.
        happened: share of them that came true.
        low, high: 95 % interval of `happened`, by customer.
    """

    rows: int
    said: float
    happened: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Calibration of one version, over ten bins of equally many rows.

    Attributes:
        on: which rows, in words.
        ece: mean distance of `said` from `happened`, by rows.
    """

    version: int
    on: str
    rows: int
    ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class Weight:
    """How much one version looks at one feature.

    Attributes:
        share: of all contributions by size, 0 to 1.
        rank: 1 for the foremost; None: it moves no answer.
        effect: which way it works, in words; empty where none can be named.
    """

    share: float
    rank: int | None
    effect: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One feature in both versions; None: the version does not have it."""

    feature: str
    meaning: str
    first: Weight | None
    second: Weight | None


@dataclass(frozen=True, kw_only=True)
class Importances:
    """What both versions look at, the foremost of either first.

    Attributes:
        source: where the numbers come from, in words.
    """

    source: str
    features: tuple[Looked, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something that was chosen otherwise; empty: the version has no such thing."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, kw_only=True)
class FeatureChanges:
    """The second's features held against the first's.

    Attributes:
        retyped: of another type, such as `age: number, category`.
        redefined: of the same name and another definition.
        categories: feature → values that only one of them knows, in words.
        same: how many are alike in name, type and definition.
        unknown: versions that kept no definitions: a redefined feature is not noticed there.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: tuple[str, ...]
    redefined: tuple[str, ...]
    categories: Mapping[str, str]
    same: int
    unknown: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two versions of a task side by side.

    Attributes:
        notes: what a reader must know before the numbers.
        same_rows: None where there are no rows that neither has seen.
        problem: why there are none; empty where there are.
        same_test_rows: whether their own tests were the very same rows and labels.
        same_choices: how many of the recorded choices are equal.
    """

    task: str
    question: str
    kind: Kind
    first: Side
    second: Side
    notes: tuple[str, ...]
    same_rows: SameRows | None
    problem: str
    same_test_rows: bool
    calibration: tuple[Curve, ...]
    importances: Importances
    choices: tuple[Choice, ...]
    same_choices: int
    features: FeatureChanges
