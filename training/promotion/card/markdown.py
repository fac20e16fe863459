"""Facts and sections as Markdown that says what they say, whatever they hold.

Names of features, values of categories and words of errors come from somebody's data. Each mark
that Markdown, its tables or HTML would act on is escaped, so that it is read as itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from training.report.page import DASH, laid_out, shown
from training.report.section import Cell, Section, Table

MARKS = re.compile(r"([\\`*_{}\[\]#~^$!])")
ENTITIES = (
    ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"),
    ("://", "&#58;//"), ("www.", "www&#46;"), ("@", "&#64;"),  # some renderers make links of these
)  # fmt: skip
BEGINNING = re.compile(r"^(\d*)([-+=:.)])")  # of a line: a list, a heading, a table


def escaped(text: str) -> str:
    """The text within a line of Markdown, or in a cell; what cannot be seen is a space."""
    seen = "".join(one if one.isprintable() else " " for one in text)
    plain = MARKS.sub(r"\\\1", " ".join(seen.split()))
    for mark, entity in ENTITIES:
        plain = plain.replace(mark, entity)
    return plain


def lines(text: str) -> str:
    """Several lines, each escaped, as one paragraph that keeps them apart."""
    found = (line for one in text.splitlines() if (line := escaped(one)))
    return "  \n".join(BEGINNING.sub(r"\1\\\2", line) for line in found)


def document(title: str, facts: Mapping[str, Cell], sections: Sequence[Section]) -> str:
    """A whole page: what to look at, the facts, a part for each section."""
    parts = [f"# {escaped(title)}"]
    parts += [f"> **Look at this:** {escaped(t)}" for one in sections for t in one.warnings]
    rows = [(escaped(name), escaped(shown(value))) for name, value in facts.items()]
    parts.append(grid(("", ""), (False, False), rows))
    for one in sections:
        parts += [f"## {escaped(one.title)}", lines(one.words)]
        parts += [f"{captioned(name)}{table(one)}" for name, one in one.tables.items()]
    return "\n\n".join(part for part in parts if part) + "\n"


def captioned(name: str) -> str:
    return f"**{escaped(name.replace('_', ' ').capitalize())}**\n\n"


def table(given: Table) -> str:
    """A table, its numbers to the right; None is a dash."""
    laid = laid_out("", given)
    rows = [[escaped(cell) for cell in row] for row in laid.rows]
    if laid.more:
        rows.append([f"{laid.more:,} more", *[DASH] * (len(laid.columns) - 1)])
    names = [escaped(name) for name, _ in laid.columns]
    return grid(names, [numeric for _, numeric in laid.columns], rows)


def grid(names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    """Cells that are escaped already, as lines."""
    head = [f"| {' | '.join(names)} |", f"|{'|'.join('---:' if n else '---' for n in numeric)}|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])
