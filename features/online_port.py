"""What the online stores of ours share: how a view lies in them, how it is loaded and read.

A store class of Feast (`online_sqlite`, `online_redis`) that is `Direct` is loaded and read without
a message or a look into the registry for each value; any other store goes through Feast itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

Kind = Literal["number", "category", "other"]
Value = float | str | None
Micros = int
# One customer: the values asked for and, for each view asked, its moment; None without a row.
Answer = tuple[Sequence[Value], Sequence[Micros | None]]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One view by one definition: what its rows hold, in Feast's order.

    Attributes:
        definition: folder of the view's parts; empty for a view that is none of ours.
        fields: name and kind; an `other` is kept as Feast's own message.
        marker: the field that carries the moment (`features.tables.Table.marker`).
    """

    project: str
    view: str
    join_key: str
    definition: str
    fields: tuple[tuple[str, Kind], ...]
    marker: str | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The features that one service takes of one view, in its order."""

    layout: Layout
    features: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one view in a batch; all sequences run over the batch's customers.

    Attributes:
        columns: one array a field of the layout: doubles and strings.
        times, created: µs since 1970, UTC; null in `times` where the view has no row.
    """

    layout: Layout
    columns: Sequence[pa.Array]
    times: pa.Array
    created: pa.Array


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some customers, each once, with all that is to be loaded of them."""

    customer_ids: pa.Array
    views: Sequence[Rows]


@dataclass(frozen=True, kw_only=True)
class Span:
    """What was loaded of one part of a view, in µs since 1970, all ends inclusive.

    Attributes:
        first, last: moments of the part's rows.
        begin, end: rows with moments in between are in the store, or newer ones are.
    """

    first: Micros
    last: Micros
    begin: Micros
    end: Micros

    def lacks(self, begin: Micros, end: Micros) -> bool:
        """Whether the part has rows between two moments that were not loaded."""
        least, most = max(self.first, begin), min(self.last, end)
        return least <= most and not (self.begin <= least and most <= self.end)


class Reader(Protocol):
    """Reads the features that one service asks for. Threads may share it."""

    def read(self, customer_ids: Sequence[str]) -> Sequence[Answer]:
        """One answer a customer, in the order asked; each customer as of one instant."""
        ...


class Loader(Protocol):
    """Loads batches and remembers, in the store itself, which parts are loaded."""

    def loaded(self, layout: Layout) -> Mapping[str, Span]:
        """What `remember` was told last; nothing once the store has lost its rows."""
        ...

    def write(self, batch: Batch) -> Mapping[str, int]:
        """Write a batch; each customer whole or not at all.

        Returns:
            View → rows taken. A row older than the one in the store is refused; one of the same
            time, a correction, is taken.
        """
        ...

    def remember(self, layout: Layout, parts: Mapping[str, Span]) -> None:
        """Record which parts are loaded, instead of what was recorded before."""
        ...


@runtime_checkable
class Direct(Protocol):
    """A Feast online store that can be loaded and read past Feast."""

    def reader(self, config: Any, asked: Sequence[Asked]) -> Reader:
        """Read these features; `config` is Feast's RepoConfig."""
        ...

    def loader(self, config: Any) -> Loader:
        """Load into the store that `config` names."""
        ...

    def delete_table(self, config: Any, table: Any) -> None:
        """Forget the rows of a view, Feast's FeatureView, and that they were loaded."""
        ...
