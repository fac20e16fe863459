"""A table in counts: of each column how many values lie where, never the values themselves.

Where is fixed by a reference (`Shape`): ends of bins for numbers, known words for categories. Two
profiles of the same shapes can be compared, and of parts of a table can be added up. They are
kept apart by days after sign-up, so that a comparison can weigh one day as another table has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle import strict_json

Kind = Literal["number", "category"]
Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

QUANTILES = 64  # no bin of the reference holds more than a 64th of it, single values apart
TINY = 1e-300  # what separates zero from the numbers below it
LADDER = 8  # doublings beyond the largest size, and halvings below the least, that have bins
MOST_WORDS = 1_000
UNKNOWN = -1  # days after sign-up of a moment that nobody knows


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where a column's values are counted.

    Attributes:
        edges: of a number: ends of bins, inclusive, rising; one more bin lies above the last.
        words: of a category: those of the reference; one more place is for all others.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def places(self) -> int:
        return len(self.edges or self.words) + 1


@dataclass(frozen=True, kw_only=True)
class Counts:
    """One column of some rows.

    Attributes:
        at: rows in each place of the shape, in its order; weighted rows are fractions.
        missing: rows without a value; an infinite number is none.
        least, most: of numbers; None where there is none.
        outside: rows whose value the feature's definition rules out.
    """

    at: Numbers
    missing: float
    least: float | None = None
    most: float | None = None
    outside: float = 0.0

    @property
    def present(self) -> float:
        return float(self.at.sum())

    @property
    def rows(self) -> float:
        return self.present + self.missing


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one day after sign-up; a column that the table lacks is not among `columns`."""

    rows: float
    columns: Mapping[str, Counts]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A table, by days after sign-up.

    Attributes:
        importance: of the version whose reference this is: feature → share of its gain.
    """

    shapes: tuple[Shape, ...]
    parts: Mapping[int, Part]
    importance: Mapping[str, float] = field(default_factory=dict)

    def whole(self) -> Part:
        """All days together."""
        return summed(self, dict.fromkeys(self.parts, 1.0))


def summed(profile: Profile, weights: Mapping[int, float]) -> Part:
    """The named days together, each row of a day counted with its weight."""
    parts = [(profile.parts[day], weight) for day, weight in weights.items()]
    names = [s.name for s in profile.shapes if any(s.name in part.columns for part, _ in parts)]
    return Part(
        rows=sum(part.rows * weight for part, weight in parts),
        columns={
            name: added([(p.columns[name], w) for p, w in parts if name in p.columns])
            for name in names
        },
    )


def added(several: Sequence[tuple[Counts, float]]) -> Counts:
    """Counts of the same shape, each with its weight."""
    least = [one.least for one, _ in several if one.least is not None]
    most = [one.most for one, _ in several if one.most is not None]
    return Counts(
        at=np.sum([one.at * weight for one, weight in several], axis=0),
        missing=sum(one.missing * weight for one, weight in several),
        least=min(least, default=None),
        most=max(most, default=None),
        outside=sum(one.outside * weight for one, weight in several),
    )


def kind_of(values: pd.Series) -> Kind:
    """A column of numbers or truths is a number; everything else is a category."""
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "category"


def clean(values: pd.Series, kind: Kind) -> pd.Series:
    """Float64 or text, whatever the column came as; infinite numbers count as missing."""
    if kind == "category":
        given = values.to_numpy(dtype=object)
        texts = [
            None if gone else str(one) for one, gone in zip(given, pd.isna(given), strict=True)
        ]
        return pd.Series(texts, index=values.index, dtype="object")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=values.index)


def shape_of(name: str, values: pd.Series) -> Shape:
    """The shape that a reference's column gives."""
    kind = kind_of(values)
    there = clean(values, kind).dropna()
    if kind == "number":
        return Shape(name=name, kind=kind, edges=edges_of(there.to_numpy(dtype=np.float64)))
    return Shape(name=name, kind=kind, words=tuple(there.value_counts().index[:MOST_WORDS]))


def edges_of(values: Numbers) -> tuple[float, ...]:
    """Ends of bins: quantiles, single values that are common apart, and other orders of size.

    A value that makes up more than one quantile has a bin to itself, and so has zero. Then the
    largest distance at the edges falls short of the Kolmogorov–Smirnov distance by no more than
    what a bin of the reference holds, a `QUANTILES`-th.
    """
    if not len(values):
        return ()
    grid = np.linspace(0, 1, QUANTILES + 1)
    ends, times = np.unique(np.quantile(values, grid, method="inverted_cdf"), return_counts=True)
    common = ends[(times > 1) & (ends != 0)]
    sizes = np.abs(values[values != 0])
    powers = 2.0 ** np.arange(1, LADDER + 1)
    ladder = np.concatenate([powers * sizes.max(), sizes.min() / powers]) if len(sizes) else ends
    beyond = ladder if values.min() >= 0 else np.concatenate([ladder, -ladder])
    every = np.concatenate([ends, np.nextafter(common, -np.inf), beyond, [-TINY, 0.0]])
    return tuple(float(edge) for edge in np.unique(every[np.isfinite(every)]))


def codes_of(shape: Shape, values: pd.Series) -> Codes:
    """The place of each value, shape (rows,); one past the last place: missing."""
    return places_of(shape, clean(values, shape.kind))


def places_of(shape: Shape, cleaned: pd.Series) -> Codes:
    """`codes_of` what is clean already."""
    gone = cleaned.isna().to_numpy()
    if shape.kind == "number":
        found = np.searchsorted(np.asarray(shape.edges), cleaned.to_numpy(dtype=np.float64))
    else:
        known = {word: place for place, word in enumerate(shape.words)}
        found = np.asarray([known.get(word, len(shape.words)) for word in cleaned], dtype=np.int64)
    return np.where(gone, shape.places, found).astype(np.int64)


def counts_of(shape: Shape, values: pd.Series) -> Counts:
    """One column of a frame in counts."""
    there = clean(values, shape.kind)
    counted = np.bincount(places_of(shape, there), minlength=shape.places + 1).astype(np.float64)
    least = most = None
    if shape.kind == "number" and counted[:-1].sum():
        least, most = float(there.min()), float(there.max())
    return Counts(at=counted[:-1], missing=float(counted[-1]), least=least, most=most)


def profile_of(frame: pd.DataFrame, shapes: Sequence[Shape], days: Codes | None = None) -> Profile:
    """A frame in counts.

    Args:
        frame: rows; a shape whose column it lacks is left out.
        shapes: what to count, and where.
        days: after sign-up, of each row; None: nobody knows.
    """
    of = np.full(len(frame), UNKNOWN) if days is None else days
    parts = {}
    for day in np.unique(of):
        rows = frame[of == day]
        columns = {s.name: counts_of(s, rows[s.name]) for s in shapes if s.name in frame}
        parts[int(day)] = Part(rows=float(len(rows)), columns=columns)
    return Profile(shapes=tuple(shapes), parts=parts)


def write(path: Path, profile: Profile) -> None:
    """As strict JSON."""
    path.write_text(json.dumps(strict_json.plain(profile), allow_nan=False), encoding="utf-8")


def read(path: Path) -> Profile:
    """What `write` wrote."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Profile(
        shapes=tuple(
            Shape(**{**s, "edges": tuple(s["edges"]), "words": tuple(s["words"])})
            for s in stored["shapes"]
        ),
        parts={
            int(day): Part(
                rows=part["rows"],
                columns={
                    name: Counts(**{**counts, "at": np.asarray(counts["at"], dtype=np.float64)})
                    for name, counts in part["columns"].items()
                },
            )
            for day, part in stored["parts"].items()
        },
        importance=stored["importance"],
    )
