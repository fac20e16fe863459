"""The monitor of record: a window in counts beside the version's reference in counts.

The reference was counted when its version was made (`profile.json`); of an older version it is
counted here, from the sample that it carries. A window is counted where it lies, in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from lifecycle.profile import Part, Profile, Shape, profile_of, shape_of
from monitoring import drift, quality
from monitoring.approved import Approved
from monitoring.matching import ages, matched_parts
from monitoring.windows import Window


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What windows are compared with.

    Attributes:
        profile: by days after sign-up.
        whole: all days together.
    """

    against: Approved
    profile: Profile
    whole: Part

    def shapes(self, names: tuple[str, ...]) -> tuple[Shape, ...]:
        known = {shape.name: shape for shape in self.profile.shapes}
        return tuple(known[name] for name in names)

    @property
    def features(self) -> tuple[Shape, ...]:
        return self.shapes(self.against.features)

    @property
    def answers(self) -> tuple[Shape, ...]:
        return self.shapes(self.against.answers)

    @property
    def importance(self) -> Mapping[str, float]:
        return self.profile.importance


def reference_of(against: Approved, asked: pd.DataFrame) -> Reference:
    """The version's reference in counts.

    Args:
        against: the version.
        asked: customer_id, event_timestamp, signed_up_at of the reference's moments.
    """
    found = against.profile or counted(against, asked)
    return Reference(against=against, profile=found, whole=found.whole())


def counted(against: Approved, asked: pd.DataFrame) -> Profile:
    """Count the sample of a version that was made before profiles were."""
    sample = against.reference
    names = (*against.features, *dict.fromkeys((*against.answers, "answer")))
    shapes = [shape_of(name, sample[name]) for name in names]
    return profile_of(sample, shapes, ages(sample, asked))


def profile_window(reference: Reference, window: Window) -> Profile:
    """The window in the reference's places; answers of the version's own rows alone."""
    return window.profile(
        (*reference.features, *reference.answers), reference.against.bounds,
        own=reference.against.answers,
    )  # fmt: skip


def drifts(reference: Reference, window: Profile, effect: float) -> tuple[drift.ColumnDrift, ...]:
    """Features of all rows; answers of the version's own rows, for another's lie elsewhere."""
    if not window.parts:
        return ()
    before, after = matched_parts(reference.profile, window)
    return drift.compare(
        (*reference.features, *reference.answers), before, after,
        effect=effect, importance=reference.importance,
    )  # fmt: skip


def breaches(reference: Reference, window: Window, counts: Profile) -> tuple[quality.Breach, ...]:
    """What cannot be true of the window's columns."""
    if not counts.parts:
        return ()
    return quality.columns_broken(
        reference.features, reference.whole, counts.whole(), window.commonest
    )
