"""What a fit of behaviour segments found, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Literal

# A segment below either is reported with a warning: no campaign, and no test of one, lives on it.
SMALL_SHARE = 0.02
SMALL_CUSTOMERS = 30

Origin = Literal["new", "kept", "returned"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One clustering into k, measured.

    Attributes:
        silhouette: mean over a sample, -1 to 1; NaN where fewer than two segments are filled.
        cloud: the highest silhouette that K-Means reached with k on clouds without segments.
        stability: mean adjusted Rand index over resamples; 1 is the same each time. NaN where it
            was not measured, because the silhouette is no better than that of a cloud.
        smallest: share of the smallest segment.
        verdict: `chosen`, or why not.
    """

    algorithm: str
    k: int
    silhouette: float
    cloud: float
    stability: float
    smallest: float
    verdict: str = ""

    def named(self) -> str:
        return f"{self.k} by {self.algorithm}"

    def line(self) -> str:
        agree = "" if isnan(self.stability) else f", resamples agree to {self.stability:.3f}"
        return f"silhouette {self.silhouette:.3f} ({self.cloud:.3f} without segments){agree}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One segment of a fit.

    Attributes:
        customers: of all, estimated from the sample where not everybody was clustered.
        origin: `kept` from the segments in force before; `returned` from earlier ones; `new`.
        description: what one would call it today.
    """

    name: str
    description: str
    origin: Origin
    customers: int
    share: float

    @property
    def small(self) -> bool:
        return self.share < SMALL_SHARE or self.customers < SMALL_CUSTOMERS

    def line(self) -> str:
        size = f"{self.customers:,} customers ({self.share:.1%})"
        said = "" if self.name == self.description else f"; it looks like: {self.description}"
        return f"  {self.name}: {size}, {self.origin}{said}"

    def warning(self) -> str:
        return (
            f"{self.name!r} is too small: {self.customers:,} customers ({self.share:.1%}). Below "
            f"{SMALL_CUSTOMERS} customers or {SMALL_SHARE:.0%}, take it for a hint."
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """The segments of a fit against those in force before it, on the same customers.

    Attributes:
        ari: adjusted Rand index; 1 when everybody is together with whom they were.
        moved: how many are in a segment of another name now, among `compared`.
        lost: names that no segment has any more.
    """

    ari: float
    moved: int
    compared: int
    lost: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        lost = [f"  lost since: {', '.join(self.lost)}"] if self.lost else []
        return [
            (
                f"  against the segments before: adjusted Rand index {self.ari:.3f}, "
                f"{self.moved:,} of {self.compared:,} customers moved"
            ),
            *lost,
        ]


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """What a fit did.

    Attributes:
        version: in force after the fit; none when nothing was found and nothing was there.
        stored: whether the fit put a new version in force.
        chosen: the winner; none: no clustering is stable and better than a cloud without
            segments. Nothing is stored then, and what was in force stays.
        customers: known by `as_of`.
        clustered: how many of them, a sample by a hash of the id beyond 20,000.
        warnings: of segments that are too small.
        change: none where there were no segments before, or of features that mean something else.
        run_id: of MLflow, with the pictures and everything else.
    """

    as_of: datetime
    version: str | None
    stored: bool
    chosen: Candidate | None
    customers: int
    clustered: int
    features: tuple[str, ...]
    segments: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()
    change: Change | None = None
    candidates: tuple[Candidate, ...]
    seconds: float
    run_id: str = ""

    def lines(self) -> list[str]:
        """What a person reads."""
        sample = "" if self.clustered == self.customers else f", a sample of {self.clustered:,}"
        whom = f"of {self.customers:,} customers by {self.as_of:%Y-%m-%d %H:%M} UTC{sample}"
        if self.chosen is None:
            return self.nothing(whom)
        return [
            f"behaviour segments {self.version}: {self.chosen.named()}, {whom}",
            *(one.line() for one in self.segments),
            f"  {self.chosen.line()}",
            *(self.change.lines() if self.change else ()),
            *(f"  warning: {warning}" for warning in self.warnings),
            f"  pictures: MLflow run {self.run_id}",
        ]

    def nothing(self, whom: str) -> list[str]:
        """What a person reads when nothing was found."""
        stays = "None is in force."
        if self.version is not None:
            stays = f"Those of {self.version} stay in force."
        best = max(self.candidates, key=lambda one: one.silhouette - one.cloud, default=None)
        nothing = f"no behaviour segments found {whom}. {stays}"
        if best is None:
            return [nothing, "  all customers are alike in everything that was looked at"]
        return [nothing, f"  the nearest: {best.named()}, {best.line()}: {best.verdict}"]
