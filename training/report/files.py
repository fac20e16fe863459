"""A report as files: the page, the sheet, and each section's pictures, tables and numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from lifecycle.strict_json import plain
from training.report.drawing import draw, sheet
from training.report.page import page
from training.report.section import Cell, Section, Table

PAGE = "report.html"
SHEET = "report.png"
FOLDER = "report"


def files_of(
    title: str, facts: Mapping[str, Cell], sections: Sequence[Section]
) -> dict[str, bytes]:
    """Path → content.

    `report.html` and `report.png` hold all of it; `report/<section>-<figure>.png`,
    `report/<section>-<table>.csv` and `report/<section>.json` hold the parts.
    """
    pictures = draw(sections)
    found = {
        PAGE: page(title, facts, sections, pictures).encode(),
        SHEET: sheet(title, pictures),
    }
    found |= {f"{FOLDER}/{one.file}": one.png for one in pictures}
    for one in sections:
        found[f"{FOLDER}/{one.name}.json"] = as_json(one).encode()
        for name, table in one.tables.items():
            found[f"{FOLDER}/{one.name}-{safe(name)}.csv"] = as_csv(table).encode()
    return found


def safe(name: str) -> str:
    """A table's name as part of a file's."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)


def as_csv(table: Table) -> str:
    """With every digit; a cell without a value is empty."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return sink.getvalue()


def as_json(section: Section) -> str:
    """Everything of a section but its pictures; what is not finite is null."""
    whole = {
        "title": section.title,
        "words": section.words,
        "warnings": section.warnings,
        "metrics": section.metrics,
        "tables": {
            name: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for name, table in section.tables.items()
        },
        "details": section.details,
    }
    return json.dumps(plain(whole), indent=1, allow_nan=False)
