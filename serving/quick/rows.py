"""A small JSON request → rows of plain values, where it is sure what MLflow would make of it.

MLflow builds a data frame of every request and converts it column by column to the signature.
For plain requests the outcome is the values themselves: numbers and nulls where the signature
says double, text and nulls where it says string. Those are read here. Everything else, right or
wrong, is None: MLflow's own code says what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from lifecycle.prediction_log import FeatureValue

Row = Mapping[str, FeatureValue]

# Beyond these a data frame, made in a thread of its own, is no slower and blocks nobody.
MOST_ROWS = 256
MOST_BYTES = 512 * 1024

TYPES = frozenset(
    {
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json;charset=utf-8",
        b"application/json; charset=UTF-8",
        b"application/json;charset=UTF-8",
    }
)
# By exact type: True is an int of another type, and pandas makes something else of it.
NUMBERS: frozenset[type] = frozenset({int, float, type(None)})
NUL = b"\\u0000"  # numpy, which MLflow's words pass through, drops it from their end
WORDS: frozenset[type] = frozenset({str, type(None)})
SCALARS = NUMBERS | WORDS | {bool}
NO_NULLS: frozenset[type] = frozenset({str})


class Rows:
    """Reads requests for one signature.

    Attributes:
        names: of all columns.
        required: columns without which MLflow refuses a request.
    """

    def __init__(self, kinds: Mapping[str, str], required: frozenset[str] = frozenset()) -> None:
        """Set up.

        Args:
            kinds: column → "number" | "category".
            required: see the class.
        """
        self.names, self.required = frozenset(kinds), required
        self._numbers = [name for name, kind in kinds.items() if kind == "number"]
        self._usual: list[str] | None = None  # no columns are none that were looked at
        self._words = [name for name, kind in kinds.items() if kind != "number"]
        self._forms: Mapping[str, Callable[[Any], list[Row] | None]] = {
            "dataframe_split": self._split,
            "dataframe_records": self._records,
            "inputs": self._values,
            "instances": self._values,
        }

    def read(self, content_type: bytes | None, body: bytes) -> list[Row] | None:
        """The rows as sent; a column that a row lacks is missing there. None: ask MLflow.

        `params` may stand beside the rows: a signature without parameters ignores them.
        """
        if content_type not in TYPES or len(body) > MOST_BYTES or NUL in body:
            return None
        try:
            sent = orjson.loads(body)
        except orjson.JSONDecodeError:  # NaN among them, which Python's reader takes
            return None
        if not isinstance(sent, dict):
            return None
        keys = sent.keys() - {"params"}
        if len(keys) != 1:
            return None
        (form,) = keys
        reader = self._forms.get(form)
        return None if reader is None else reader(sent[form])

    def _split(self, sent: Any) -> list[Row] | None:
        """`dataframe_split`: columns and data; an index of whole numbers changes nothing."""
        if not isinstance(sent, dict) or not {"columns", "data"} <= sent.keys() <= SPLIT:
            return None
        columns, data = sent["columns"], sent["data"]
        if not are(list, columns, data) or not (columns == self._usual or self._named(columns)):
            return None
        self._usual = columns  # a caller sends the same each time
        if not data or set(map(type, data)) != {list} or set(map(len, data)) != {len(columns)}:
            return None
        if "index" in sent and not numbered(sent["index"], len(data)):
            return None
        return self._checked([dict(zip(columns, cells, strict=True)) for cells in data])

    def _records(self, sent: Any) -> list[Row] | None:
        """`dataframe_records`: rows may lack columns that others have."""
        if not isinstance(sent, list) or not sent or set(map(type, sent)) != {dict}:
            return None
        if not self._named(list(sent[0])):
            # what the first row lacks a later one may have
            every = set[str]().union(*sent)
            if not self._named(list(every)):
                return None
        return self._checked(sent)

    def _values(self, sent: Any) -> list[Row] | None:
        """`inputs` and `instances`: rows, or one list a column; columns the same throughout.

        MLflow makes arrays of them, in which a null among words becomes the word None.
        """
        if isinstance(sent, dict):
            sent = turned(sent)
        if not isinstance(sent, list) or not sent or set(map(type, sent)) != {dict}:
            return None
        columns = sent[0].keys()
        if not columns <= self.names or not self._named(list(columns)):
            return None
        if any(row.keys() != columns for row in sent):
            return None
        return self._checked(sent, words=NO_NULLS, present=columns)

    def _named(self, columns: Sequence[Any]) -> bool:
        """Whether these are names, each once, with all that is required and one that is known."""
        if set(map(type, columns)) != {str}:
            return False
        found = set(columns)
        return (
            len(found) == len(columns)
            and self.required <= found
            and not self.names.isdisjoint(found)
        )

    def _checked(
        self,
        rows: list[Row],
        *,
        words: frozenset[type] = WORDS,
        present: Any = None,
    ) -> list[Row] | None:
        """The rows, when there are few enough of them and each value is of its column's type."""
        if len(rows) > MOST_ROWS:
            return None
        wanted = self._words if present is None else [n for n in self._words if n in present]
        for row in rows:
            if not NUMBERS.issuperset(map(type, map(row.get, self._numbers))):
                return None
            if not words.issuperset(map(type, map(row.get, wanted))):
                return None
            if not row.keys() <= self.names and not SCALARS.issuperset(map(type, row.values())):
                return None
        return rows


SPLIT = {"columns", "data", "index"}


def are(kind: type, *values: Any) -> bool:
    return all(isinstance(value, kind) for value in values)


def numbered(index: Any, rows: int) -> bool:
    """Whether it is one whole number a row."""
    return isinstance(index, list) and len(index) == rows and set(map(type, index)) == {int}


def turned(columns: Mapping[str, Any]) -> list[Row] | None:
    """Columns of one length → rows."""
    if not columns or not are(list, *columns.values()):
        return None
    if len({len(cells) for cells in columns.values()}) != 1:
        return None
    names = list(columns)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
