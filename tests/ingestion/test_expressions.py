"""An expression reads columns of one row, and we know which."""

from __future__ import annotations

import pytest

from ingestion.expressions import read_by, references, to_sql


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("a", {"a"}),
        ('"Invoice Date"::DATE', {"Invoice Date"}),
        ("CASE WHEN a LIKE 'x%' THEN b::INT + 1 ELSE coalesce(c, d) END", {"a", "b", "c", "d"}),
        ("payload.price", {"payload"}),
        ("a BETWEEN 1 AND b", {"a", "b"}),
        ("'constant'", set()),
    ],
)
def test_the_columns_that_an_expression_reads_are_known(expression, columns):
    """DuckDB's parser names them, quoted or nested."""
    assert references(expression) == columns


@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT max(a) FROM t)", "sum(a) OVER ()", "*", "COLUMNS('a.*')", "$1", "#1",
        "list_transform(a, lambda x: x + 1)", "a), (b", "1) FROM (SELECT 1", "a; DROP TABLE t",
        "((a", "", "random()", "now()", "getenv('HOME')",
    ],
)  # fmt: skip
def test_what_reaches_beyond_the_row_is_refused(expression):
    """Sub-queries, windows, stars and the like could hide what they read."""
    with pytest.raises(ValueError, match=r"is not SQL|not one expression|holds a|calls"):
        references(expression)


def test_a_column_s_bare_name_may_be_anything():
    """A plain rename needs no quoting."""
    columns = frozenset({"Invoice Date", "a-b"})
    assert read_by("Invoice Date", columns) == {"Invoice Date"}
    assert to_sql("a-b", columns) == '"a-b"'
