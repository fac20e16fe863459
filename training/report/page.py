"""Lays sections out as one page that any browser opens: no script, no network, no other file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from training.report.drawing import Picture, by_section, draw
from training.report.section import Cell, Section, Table

PAGES = Path(__file__).resolve().parent / "pages"
MOST_ROWS = 100  # of one table on the page; its CSV has all
LONG = 15
LARGE = 100.0  # from here on, four decimals say nothing
DECIMALS = 4
NOUGHT = 1e-9  # what a sum of shares misses a whole number by
DASH = "–"


def page(
    title: str,
    facts: Mapping[str, Cell],
    sections: Sequence[Section],
    pictures: Sequence[Picture] | None = None,
) -> str:
    """One HTML document: warnings first, then the facts, then a part for each section.

    Args:
        title: also the document's.
        facts: what a reader must know before the sections, in order.
        sections: in the order in which they are read.
        pictures: those of the sections where somebody drew them already.
    """
    drawn = by_section(draw(sections) if pictures is None else pictures)
    return template("report.html").render(
        title=title,
        facts={name: shown(value) for name, value in facts.items()},
        warnings=[(one, text) for one in sections for text in one.warnings],
        sections=[
            (one, [laid_out(name, table) for name, table in one.tables.items()]) for one in sections
        ],
        pictures=drawn,
    )


@cache
def template(name: str) -> Template:
    """Escapes every value; one that the template names and nobody gives is an error."""
    pages = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(name)


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A table as text: its columns, which of them are numbers, and how many rows are left out."""

    name: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    more: int

    @property
    def long(self) -> bool:
        """Whether it is folded away until somebody asks."""
        return len(self.rows) > LONG


def laid_out(name: str, table: Table) -> Laid:
    numeric = [
        all(is_number(row[i]) or row[i] is None for row in table.rows)
        and any(is_number(row[i]) for row in table.rows)
        for i in range(len(table.columns))
    ]
    digits = [decimals([row[i] for row in table.rows]) for i in range(len(table.columns))]
    return Laid(
        name=name.replace("_", " "),
        columns=tuple(zip(table.columns, numeric, strict=True)),
        rows=tuple(
            tuple(shown(cell, d) for cell, d in zip(row, digits, strict=True))
            for row in table.rows[:MOST_ROWS]
        ),
        more=max(0, len(table.rows) - MOST_ROWS),
    )


def is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def decimals(cells: Sequence[Cell]) -> int:
    """As many as tell the column's numbers apart, at most four: a count has none."""
    values = [cell for cell in cells if isinstance(cell, float) and math.isfinite(cell)]
    for enough in range(DECIMALS):
        if all(abs(value - round(value, enough)) < NOUGHT for value in values):
            return enough
    return DECIMALS


def shown(cell: Cell, digits: int = DECIMALS) -> str:
    """As people read it: thousands apart, no more decimals than tell something, a dash."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return DASH
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        text = f"{cell:,.{digits if abs(cell) < LARGE else min(digits, 1)}f}"
        return text if text.strip("-0.") else text.removeprefix("-")
    return f"{cell:,}" if isinstance(cell, int) else cell
