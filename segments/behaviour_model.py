"""What tells a customer's behaviour segment: a frozen value that needs only numpy.

Every algorithm leaves the same form behind: a centre for each segment, and for a Gaussian mixture
its shape and weight. The value of a segment for a customer x is

    bias - |(x - centre) root|² / 2

and the highest wins. Without a shape (`root` is none, `bias` 0) that is the nearest centre.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lifecycle.errors import DataError
from segments.behaviour_choice import Scale

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one feature enters.

    Value → `scale` → held within [low, high] → (value - mean) / sd * weight. What is missing or
    infinite counts as `fill`, which is on the scale already.

    Attributes:
        definition: hash of the feature's own definition when this was fitted.
        high_words, low_words: of customers far above or below the others.
    """

    feature: str
    definition: str
    side: str
    scale: Scale
    fill: float
    low: float
    high: float
    mean: float
    sd: float
    weight: float
    high_words: str
    low_words: str

    @property
    def key(self) -> str:
        """What a mean of it is a mean of: means of different fits compare under equal keys."""
        return f"{self.feature} {self.scale} {self.definition}"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment.

    Attributes:
        centre: in the space of the columns, shape (columns,).
        root: Cholesky factor of the precision, shape (columns, columns); none: the identity.
        means: `Column.key` → mean of its customers on the feature's scale. Neither the algorithm
            nor the fitted spread enters it, so that segments of different fits can be compared.
        size: customers among those it was fitted on.
        description: what one would call it today; its name stays what it was first called.
    """

    name: str
    description: str
    centre: tuple[float, ...]
    root: tuple[tuple[float, ...], ...] | None = None
    bias: float = 0.0
    means: Mapping[str, float]
    size: int


@dataclass(frozen=True, kw_only=True)
class Past:
    """A segment of an earlier fit that none of today's follows: should it return, it is known."""

    name: str
    means: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class BehaviourModel:
    """Assigns customers to behaviour segments.

    Attributes:
        version: number of the fit in its home and its definition: `3-1f0c…`.
        algorithm: which clustering the segments come from.
        columns: what enters, in order.
        digest: of the rows it was fitted on.
        fitted: what was measured, for people.
    """

    version: str
    algorithm: str
    columns: tuple[Column, ...]
    segments: tuple[Segment, ...]
    past: tuple[Past, ...] = ()
    digest: str
    fitted: Mapping[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """What `assign` reads, by name."""
        return tuple(column.feature for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(segment.name for segment in self.segments)

    @property
    def definition(self) -> str:
        """Hash of everything that decides an assignment, names included."""
        return definition_of(self.columns, self.segments)

    def assign(self, rows: pa.Table) -> list[str | None]:
        """The segment of each row.

        A value that is missing counts as the fitted one (`Column.fill`). A row without a single
        value has none: nothing is known of that customer.

        Args:
            rows: with a number column for each of `features`; others are ignored.

        Raises:
            DataError: a feature is lacking.
        """
        raw = raw_matrix(rows, self.features)
        names = self.names
        found = best(to_space(raw, self.columns), self.segments)
        known = np.atleast_1d(np.isfinite(raw).any(axis=1)).tolist()
        return [names[one] if there else None for one, there in zip(found, known, strict=True)]

    def to_json(self) -> str:
        facts = asdict(self) | {"definition": self.definition, "features": self.features}
        return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> BehaviourModel:
    """Read what `to_json` wrote.

    Raises:
        DataError: it is something else, or was changed by hand.
    """
    try:
        facts = json.loads(text)
        model = BehaviourModel(
            version=facts["version"],
            algorithm=facts["algorithm"],
            columns=tuple(Column(**one) for one in facts["columns"]),
            segments=tuple(segment_of(one) for one in facts["segments"]),
            past=tuple(Past(**one) for one in facts["past"]),
            digest=facts["digest"],
            fitted=facts["fitted"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(f"{type(error).__name__}: {error}.") from error
    if model.definition != facts["definition"]:
        raise damaged("Its numbers are not those it was stored with.")
    return model


def segment_of(facts: Mapping[str, Any]) -> Segment:
    root = facts["root"]
    shape = None if root is None else tuple(tuple(row) for row in root)
    return Segment(**{**facts, "centre": tuple(facts["centre"]), "root": shape})


def damaged(found: str) -> DataError:
    return DataError(
        "The behaviour segments cannot be read.",
        found=found,
        do="Copy a version from segments/history over segments/behaviour.json, or remove it and "
        "fit again.",
    )


def definition_of(columns: tuple[Column, ...], segments: tuple[Segment, ...]) -> str:
    decides = {
        "columns": [asdict(column) for column in columns],
        "segments": [(one.name, one.centre, one.root, one.bias) for one in segments],
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def raw_matrix(rows: pa.Table, features: tuple[str, ...]) -> Matrix:
    """The features' values, NaN where missing; shape (rows, features)."""
    lacking = [name for name in features if name not in rows.column_names]
    if lacking:
        raise DataError(
            "These rows tell no behaviour segment.",
            found=f"They lack {', '.join(lacking)}.",
            do="Hand over every feature that the segments were fitted on.",
        )
    values = [rows[name].cast(pa.float64()).to_numpy() for name in features]
    return np.column_stack(values) if values else np.empty((rows.num_rows, 0))


def scaled(values: npt.NDArray[np.float64], scale: Scale) -> npt.NDArray[np.float64]:
    """Values on their scale; NaN where they are not finite."""
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.sign(finite) * np.log1p(np.abs(finite)) if scale == "log" else finite


def on_scale(raw: Matrix, columns: tuple[Column, ...]) -> Matrix:
    """Each column on its scale, without gaps, held within its bounds; shape as `raw`."""
    held = np.empty_like(raw)
    for at, column in enumerate(columns):
        values = scaled(raw[:, at], column.scale)
        filled = np.where(np.isnan(values), column.fill, values)
        held[:, at] = np.clip(filled, column.low, column.high)
    return held


def to_space(raw: Matrix, columns: tuple[Column, ...]) -> Matrix:
    """Where customers lie in the space of the columns; shape as `raw`."""
    mean, sd, weight = facts_of(columns)
    return (on_scale(raw, columns) - mean) / sd * weight


def facts_of(columns: tuple[Column, ...]) -> tuple[Matrix, Matrix, Matrix]:
    """Mean, standard deviation and weight of each column."""
    facts = np.array([(one.mean, one.sd, one.weight) for one in columns], dtype=np.float64)
    mean, sd, weight = facts.reshape(-1, 3).T
    return mean, sd, weight


def best(x: Matrix, segments: tuple[Segment, ...]) -> Labels:
    """Position of the segment of the highest value for each row; the first one of equals."""
    values = np.empty((len(x), len(segments)))
    for at, segment in enumerate(segments):
        away = x - np.array(segment.centre)
        if segment.root is not None:
            away = away @ np.array(segment.root)
        values[:, at] = segment.bias - 0.5 * np.einsum("ij,ij->i", away, away)
    highest: Labels = values.argmax(axis=1).astype(np.int64)
    return highest
