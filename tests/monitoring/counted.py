"""Frames as monitoring sees them: in counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from lifecycle.profile import Counts, Part, Shape, profile_of, shape_of
from lifecycle.profiling import Bounds
from monitoring import drift, quality


def counted(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str]
) -> tuple[tuple[Shape, ...], Part, Part]:
    """Both frames in the reference's places."""
    shapes = tuple(shape_of(name, reference[name]) for name in columns)
    before = profile_of(reference, shapes).whole()
    after = profile_of(current, shapes)
    return shapes, before, after.whole() if len(current) else Part(rows=0, columns={})


def compare(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str], *, effect: float
) -> tuple[drift.ColumnDrift, ...]:
    return drift.compare(*counted(reference, current, columns), effect=effect)


def columns_broken(
    reference: pd.DataFrame, current: pd.DataFrame, bounds: Mapping[str, Bounds]
) -> tuple[quality.Breach, ...]:
    shapes, before, after = counted(reference, current, tuple(bounds))
    columns = {
        name: outside(counts, current[name], bounds[name]) for name, counts in after.columns.items()
    }

    def look(column: str, known: Sequence[str]) -> tuple[object, int]:
        found = current[column][~current[column].isin(list(known))].value_counts()
        return found.index[0], int(found.iloc[0])

    return quality.columns_broken(shapes, before, replace(after, columns=columns), look)


def outside(counts: Counts, values: pd.Series, bounds: Bounds) -> Counts:
    low = values < bounds.at_least if bounds.at_least is not None else values.isin([])
    high = values > bounds.at_most if bounds.at_most is not None else values.isin([])
    return replace(counts, outside=float((low | high).sum()))
