"""A small JSON request → cells in the model's order, where it is sure what MLflow makes of it.

MLflow builds a data frame of every request and converts it column by column to the signature.
For plain requests the outcome is the values themselves: numbers and nulls where the signature
says double, text and nulls where it says string. Those are read here. Everything else, right or
wrong, is None: MLflow's own code says what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import contains
from typing import Any

import orjson

from lifecycle.prediction import FeatureValue

Cells = Sequence[Sequence[FeatureValue]]
Kinds = Sequence[frozenset[type]]

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
        order: the columns, as the model takes them.
        names: the same, without order.
        required: columns without which MLflow refuses a request.
    """

    def __init__(self, kinds: Mapping[str, str], required: frozenset[str] = frozenset()) -> None:
        """Set up.

        Args:
            kinds: column → "number" | "category", in the model's order.
            required: see the class.
        """
        self.order, self.names, self.required = list(kinds), frozenset(kinds), required
        self._kinds = [NUMBERS if kind == "number" else WORDS for kind in kinds.values()]
        self._forms: Mapping[str, Callable[[Any], Cells | None]] = {
            "dataframe_split": self._split,
            "dataframe_records": self._records,
            "inputs": self._values,
            "instances": self._values,
        }

    def read(self, content_type: bytes | None, body: bytes) -> Cells | None:
        """The rows as sent; a column that a row lacks is None there. None: ask MLflow.

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

    def _split(self, sent: Any) -> Cells | None:
        """`dataframe_split`: columns and data; an index of whole numbers changes nothing."""
        if not isinstance(sent, dict) or not {"columns", "data"} <= sent.keys() <= SPLIT:
            return None
        columns, data = sent["columns"], sent["data"]
        if not are(list, columns, data) or not (columns == self.order or self._named(columns)):
            return None
        if not data or set(map(type, data)) != {list} or set(map(len, data)) != {len(columns)}:
            return None
        if "index" in sent and not numbered(sent["index"], len(data)):
            return None
        if columns == self.order:
            return self._checked(data)
        return self._by_name([dict(zip(columns, cells, strict=True)) for cells in data])

    def _records(self, sent: Any) -> Cells | None:
        """`dataframe_records`: rows may lack columns that others have."""
        if not isinstance(sent, list) or not sent or set(map(type, sent)) != {dict}:
            return None
        if not self._named(list(sent[0])):
            # what the first row lacks a later one may have
            every = set[str]().union(*sent)
            if not self._named(list(every)):
                return None
        return self._by_name(sent)

    def _values(self, sent: Any) -> Cells | None:
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
        return self._checked(self._placed(sent), self._without_nulls(columns))

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

    def _by_name(self, rows: Sequence[Mapping[str, Any]]) -> Cells | None:
        """Their cells, where also what the model does not know are plain values."""
        for row in rows:
            if not row.keys() <= self.names and not SCALARS.issuperset(map(type, row.values())):
                return None
        return self._checked(self._placed(rows))

    def _placed(self, rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        return [list(map(row.get, self.order)) for row in rows]

    def _without_nulls(self, columns: Collection[str]) -> Kinds:
        """What each cell may be where words that were sent may not be null."""
        kinds = zip(self.order, self._kinds, strict=True)
        return [NO_NULLS if kind is WORDS and name in columns else kind for name, kind in kinds]

    def _checked(self, cells: Sequence[Sequence[Any]], kinds: Kinds | None = None) -> Cells | None:
        """The rows, when there are few enough of them and each value is of its column's type."""
        if len(cells) > MOST_ROWS:
            return None
        kinds = self._kinds if kinds is None else kinds
        fit = all(all(map(contains, kinds, map(type, row))) for row in cells)
        return cells if fit else None


SPLIT = {"columns", "data", "index"}


def are(kind: type, *values: Any) -> bool:
    return all(isinstance(value, kind) for value in values)


def numbered(index: Any, rows: int) -> bool:
    """Whether it is one whole number a row."""
    return isinstance(index, list) and len(index) == rows and set(map(type, index)) == {int}


def turned(columns: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Columns of one length → rows."""
    if not columns or not are(list, *columns.values()):
        return None
    if len({len(cells) for cells in columns.values()}) != 1:
        return None
    names = list(columns)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
