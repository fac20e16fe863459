"""One part of a run's report: a title, a sentence, a table, pictures. Values, and no I/O.

Whoever measures something for people yields a Section; `training.report.page` lays it out and
`training.record` writes it to MLflow, so that no measuring code knows of either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

Cell = str | float | int | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns; a float is shown with four decimals at most, None as a dash."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]

    def __post_init__(self) -> None:
        wrong = {len(row) for row in self.rows} - {len(self.columns)}
        if wrong:
            raise ValueError(f"Rows of {sorted(wrong)} cells under {len(self.columns)} columns.")


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one part of the report says.

    Attributes:
        name: lower-case and safe as a file name: `balancing`.
        words: what a person should take away, in one to three sentences.
        figures: (name safe as a file name, matplotlib figure).
        metrics: numbers worth comparing between runs; written to MLflow as `<name>.<key>`.
        warnings: what a person must look at; shown on top of the page and on the version.
    """

    name: str
    title: str
    words: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: tuple[tuple[str, Figure], ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
