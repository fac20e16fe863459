"""SQL expressions of a data set's TOML file: what they may hold, and which columns they read.

DuckDB's own parser reads them, so what is judged here is what will run. Only scalar
expressions over the columns of one row pass; a sub-query, a window, a star or an aggregate
would reach other rows or hide which columns it reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from lifecycle.sql import identifier

SCALAR = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT",
        "FUNCTION", "OPERATOR", "TYPE",
    }
)  # fmt: skip
# Functions that read something other than the row, or answer differently each time.
FOREIGN = frozenset(
    {
        "current_setting", "getenv", "getvariable", "nextval", "currval", "random", "uuid",
        "gen_random_uuid", "now", "today", "current_date", "current_timestamp",
        "get_current_timestamp", "get_current_time", "transaction_timestamp", "setseed",
    }
)  # fmt: skip


@cache
def references(expression: str) -> frozenset[str]:
    """Names of the columns that an expression reads.

    Raises:
        ValueError: it is no scalar SQL expression; the text says why.
    """
    if not expression.strip():
        raise ValueError("an empty text is not SQL")
    with duckdb.connect() as connection:
        answer = connection.execute(
            "SELECT json_serialize_sql(?)", [f"SELECT ({expression}\n)"]
        ).fetchall()[0][0]
    parsed = json.loads(answer)
    if parsed["error"]:
        raise ValueError(f"{expression!r} is not SQL: {parsed['error_message']}")
    if len(parsed["statements"]) != 1 or not is_bare(parsed["statements"][0]["node"]):
        raise ValueError(f"{expression!r} is not one expression")
    [chosen] = parsed["statements"][0]["node"]["select_list"]
    return frozenset(columns(expression, chosen))


def is_bare(node: dict[str, Any]) -> bool:
    """Whether a statement is `SELECT <one expression>` and nothing more."""
    return (
        node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["modifiers"]
        and not any(node.get(part) for part in ("where_clause", "having", "qualify", "sample"))
        and not node["group_expressions"]
    )


def columns(expression: str, chosen: Any) -> Iterator[str]:
    """Walk the parsed expression; every node must be of a kind that we know."""
    for node in nodes(chosen):
        if node["class"] not in SCALAR:
            raise ValueError(
                f"{expression!r} holds a {node['class'].lower().replace('_', ' ')}: only "
                "expressions over the columns of one row are allowed"
            )
        if node["class"] == "FUNCTION" and node["function_name"].lower() in FOREIGN:
            raise ValueError(
                f"{expression!r} calls {node['function_name']}(), whose answer is not in the row"
            )
        if node["class"] == "COLUMN_REF":
            # `a.b` is field b of column a.
            yield node["column_names"][0]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for branch in tree.values():
            yield from nodes(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from nodes(branch)


def to_sql(expression: str, source_columns: frozenset[str]) -> str:
    """SQL for an expression: a column's bare name may be anything, even with spaces."""
    if expression in source_columns:
        return identifier(expression)
    return f"({expression}\n)"


def read_by(expression: str, source_columns: frozenset[str] = frozenset()) -> frozenset[str]:
    """Columns that an expression reads, where a column's bare name counts as itself.

    Raises:
        ValueError: it is neither a column nor a scalar SQL expression.
    """
    if expression in source_columns:
        return frozenset({expression})
    return references(expression)
