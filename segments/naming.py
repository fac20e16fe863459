"""Names of behaviour segments: made of what sets them apart, kept for as long as they live.

A segment of a new fit is matched to one of the fit in force by the means of its customers
(Hungarian assignment). Matched, it takes over the name, whatever the algorithm or the number of
segments; a new one gets a name that no segment of this home ever had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from segments.behaviour_model import Column, Matrix, Past, Segment

# Differences smaller than this many standard deviations are not worth a word.
WORTH_A_WORD = 0.3
WORDS = 2
PLAIN = "average"

# Beyond this root mean squared difference, in standard deviations, it is another segment.
FAR = 0.6
# Segments that were lost are remembered, up to this many: they may return.
REMEMBERED = 50


@dataclass(frozen=True, kw_only=True)
class Named:
    """Segments with their names for good.

    Attributes:
        kept: names that go on.
        returned: names of segments that an earlier fit had and the last one had not.
        lost: names in force until now that no segment follows.
        past: all that are not in force, the newest first.
    """

    segments: tuple[Segment, ...]
    kept: tuple[str, ...]
    returned: tuple[str, ...]
    lost: tuple[str, ...]
    past: tuple[Past, ...]


def words(segment: Segment, columns: Sequence[Column]) -> list[str]:
    """What sets the segment apart, the greatest difference first, one word a side of behaviour."""
    strongest: dict[str, tuple[float, str]] = {}
    for column in columns:
        z = (segment.means[column.key] - column.mean) / column.sd
        word = column.high_words if z > 0 else column.low_words
        if abs(z) >= WORTH_A_WORD and abs(z) > strongest.get(column.side, (0.0, ""))[0]:
            strongest[column.side] = (abs(z), word)
    return [word for _, word in sorted(strongest.values(), key=lambda one: -one[0])] or [PLAIN]


def describe(
    segments: Sequence[Segment], columns: Sequence[Column], taken: Sequence[str] = ()
) -> list[str]:
    """A short name for each that no other has: more words where two would be alike."""
    used, made = set(taken), []
    for segment in segments:
        said = words(segment, columns)
        longer = [", ".join(said[:count]) for count in range(min(WORDS, len(said)), len(said) + 1)]
        numbered = (f"{longer[0]} {number}" for number in range(2, len(used) + 3))
        name = next(one for one in (*longer, *numbered) if one not in used)
        used.add(name)
        made.append(name)
    return made


def name_all(
    segments: Sequence[Segment],
    columns: Sequence[Column],
    before: Sequence[Segment] = (),
    past: Sequence[Past] = (),
) -> Named:
    """Hand names down from the segments in force, then from past ones; name the rest anew.

    Args:
        segments: of the new fit; their names are not looked at.
        columns: of the new fit.
        before: the segments in force.
        past: those that were in force at some time.
    """
    in_force = [Past(name=one.name, means=one.means) for one in before]
    follows = match(segments, in_force, columns)
    left = [at for at in range(len(segments)) if at not in follows]
    again = match([segments[at] for at in left], past, columns)
    names = {at: in_force[old].name for at, old in follows.items()}
    back = {left[at]: past[old].name for at, old in again.items()}
    new = [at for at in left if at not in back]
    ever = [one.name for one in (*in_force, *past)]
    fresh = describe([segments[at] for at in new], columns, ever)
    names |= back | dict(zip(new, fresh, strict=True))
    said = describe(segments, columns)
    gone = tuple(one for one in in_force if one.name not in names.values())
    rest = tuple(one for one in past if one.name not in names.values())
    return Named(
        segments=tuple(
            replace(one, name=names[at], description=said[at]) for at, one in enumerate(segments)
        ),
        kept=tuple(names[at] for at in sorted(follows)),
        returned=tuple(back[at] for at in sorted(back)),
        lost=tuple(one.name for one in gone),
        past=(*gone, *rest)[:REMEMBERED],
    )


def match(
    segments: Sequence[Segment], old: Sequence[Past], columns: Sequence[Column]
) -> dict[int, int]:
    """Position of a new segment → that of the old one it follows; each at most once.

    The sum of the squared differences is least; a pair further apart than `FAR` is none.
    """
    shared = [c for c in columns if all(c.key in one.means for one in old)]
    # Of half the sides of behaviour nothing can be told apart.
    if not old or not segments or 2 * len(shared) < len(columns):
        return {}
    apart = differences([one.means for one in segments], [one.means for one in old], shared)
    # What is too far costs the same however far, so that it never takes a near one's place.
    rows, found = linear_sum_assignment(np.minimum(apart, FAR) ** 2)
    pairs = zip(rows.tolist(), found.tolist(), strict=True)
    return {new: was for new, was in pairs if apart[new, was] < FAR}


def differences(
    one: Sequence[Mapping[str, float]],
    other: Sequence[Mapping[str, float]],
    columns: Sequence[Column],
) -> Matrix:
    """Root mean squared difference in standard deviations, shape (one, other)."""
    both = [np.array([[means[c.key] for c in columns] for means in side]) for side in (one, other)]
    sd = np.array([c.sd for c in columns])
    share = np.array([c.weight**2 for c in columns])
    z = (both[0][:, None, :] - both[1][None, :, :]) / sd
    apart: Matrix = np.sqrt((z**2 * (share / share.sum())).sum(axis=2))
    return apart
