"""The only two ways that an outside word enters SQL."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """Quote a column or table name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Quote strings for `IN (…)`; an empty list matches nothing."""
    return ", ".join(literal(text) for text in texts) or "NULL"
