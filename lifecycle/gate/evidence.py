"""What was measured before a promotion. Nothing here judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Value = float | int | str | bool | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Challenger minus champion on the same rows, with its confidence interval."""

    value: float
    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, kw_only=True)
class SliceDifference:
    """Challenger minus champion on the rows of one slice.

    Attributes:
        metric, margin: of the rule that asked.
        feature, value: the rows whose `feature` is `value`.
        rows: of the slice.
        positives: its rows of the rarest class.
        difference: None where the slice is too small to be measured.
        p_value: one-sided, of the hypothesis that the loss is no larger than the margin: small
            means that it is larger. None as above.
    """

    metric: str
    margin: float
    feature: str
    value: str
    rows: int
    positives: int
    difference: Difference | None = None
    p_value: float | None = None

    @property
    def name(self) -> str:
        return f"{self.feature}={self.value}"


@dataclass(frozen=True, kw_only=True)
class SignatureDifference:
    """What would break for whoever asks the champion today.

    Attributes:
        missing: features that the challenger needs and that are no longer computed.
        retyped: shared features that it takes as another type than the champion or than they
            are computed, each in words.
        lost: answers that the champion gives and the challenger cannot.
    """

    missing: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One value that online and offline do not agree on.

    Attributes:
        at: the request's moment, as ISO 8601.
        name: the feature's, or what was scored.
    """

    customer_id: str
    at: str
    what: Literal["feature", "score"]
    name: str
    online: Value
    offline: Value


@dataclass(frozen=True, kw_only=True)
class Skew:
    """Logged requests, replayed.

    Attributes:
        requests: found in the log, and present vectors of the online store where that has few.
        compared: of those, how many could be replayed.
        mismatches: what differed; may hold differences that the rule tolerates.
        problem: what kept us from replaying; empty when nothing did.
        note: what the numbers do not say: of which kind the requests are, what was set aside.
    """

    requests: int
    compared: int
    mismatches: tuple[Mismatch, ...] = ()
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured on rows that came after both models.

    Attributes:
        rows: evaluation rows.
        positives: rows of the rarest class.
        seen: evaluation rows that either model was trained or calibrated on.
        metrics: metric → the challenger's value.
        differences: metric → challenger against champion; None when there is no champion.
        slices: challenger against champion, slice by slice.
        sliced_by: features that the rows could be sliced by; None: slices were not measured.
        signature: None: it was not compared.
        skew: None: nothing was replayed.
        problem: what kept us from measuring; empty when nothing did.
    """

    rows: int
    positives: int
    seen: int
    metrics: Mapping[str, float]
    differences: Mapping[str, Difference] | None = None
    slices: tuple[SliceDifference, ...] = ()
    sliced_by: tuple[str, ...] | None = None
    signature: SignatureDifference | None = None
    skew: Skew | None = None
    problem: str = ""
