"""Where fresh rows go: the online store as Feast knows it now, guarded against older rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureStore
from feast.errors import FeatureViewNotFoundException

from features.clock import Stamp, changed_at
from features.connection import config_file, connect
from features.online_layout import layout_of
from features.online_plan import embedded_registry
from features.online_port import Batch, Direct, Layout, Loader, Rows
from features.tables import Table, tables
from lifecycle.errors import NotReady
from lifecycle.home import Home

# How often a registry on a server is asked whether the definitions are still ours.
ASK_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """The store, and how each view lies in it, by the state of Feast's registry."""

    stamp: Stamp
    at: float
    layouts: Sequence[Layout]
    loader: Loader


class Target:
    """Writes rows into the home's online store, as long as Feast knows the same definitions."""

    def __init__(self, home: Home, tables: Sequence[Table]) -> None:
        self.home, self.tables = home, tables
        self._known: Known | None = None

    def write(self, rows: Mapping[str, pa.Table]) -> Mapping[str, int]:
        """Write a row a customer and view.

        Returns:
            View → rows taken. A row that is older than the store's is refused by the store.

        Raises:
            NotReady: nothing was applied yet, Feast was told of other definitions, or its online
                store is none that can refuse older rows.
        """
        known = self._looked()
        batch = batch_of(known.layouts, rows)
        return known.loader.write(batch) if len(batch.customer_ids) else {}

    def _looked(self) -> Known:
        """The store as it is now: definitions that were replaced must not be written."""
        registry = embedded_registry(self.home)
        stamp = changed_at(self.home.dataset_file, config_file(self.home), registry)
        known = self._known
        if known is None or known.stamp != stamp or self._stale(known):
            self._known = known = self._look(stamp)
        return known

    def _stale(self, known: Known) -> bool:
        return not embedded_registry(self.home).exists() and monotonic() - known.at > ASK_SECONDS

    def _look(self, stamp: Stamp) -> Known:
        refuse_changed(self.tables, tables(self.home, self.home.dataset()))
        # Its own store: to open the one that readers share anew would make them wait.
        store = connect(self.home)
        online = store.provider.online_store
        if not isinstance(online, Direct):
            raise NotReady(
                "Fresh features need an online store that refuses older rows.",
                found=f"It is {type(online).__name__}.",
                do="Name one of ours in the Feast configuration; docs/features.md has them.",
            )
        return Known(
            stamp=stamp,
            at=monotonic(),
            layouts=[layout_in(store, table) for table in self.tables],
            loader=online.loader(store.config),
        )


def layout_in(store: FeatureStore, table: Table) -> Layout:
    """How a view lies in the store.

    Raises:
        NotReady: Feast was told of another definition, or of none.
    """
    try:
        view = store.get_feature_view(table.view)
    except FeatureViewNotFoundException:
        applied = "nothing"
    else:
        layout = layout_of(store.project, view)
        if layout.definition == table.folder.name:
            return layout
        applied = layout.definition
    raise NotReady(
        f"Feast holds {table.view} by another definition.",
        found=f"Applied {applied}, now {table.folder.name}.",
        do="Run `onramp features` to build and apply it.",
    )


def refuse_changed(ours: Sequence[Table], today: Sequence[Table]) -> None:
    if [table.folder for table in ours] != [table.folder for table in today]:
        raise NotReady(
            "The features are defined otherwise since this process began.",
            found="The data set's file has changed.",
            do="Start it again.",
        )


def batch_of(layouts: Sequence[Layout], rows: Mapping[str, pa.Table]) -> Batch:
    """Rows of views as one batch, each customer once."""
    there = [(one, rows[one.view]) for one in layouts if one.view in rows]
    names = pa.array(
        sorted({name for _, table in there for name in table["customer_id"].to_pylist()}),
        pa.string(),
    )
    return Batch(customer_ids=names, views=tuple(laid(one, table, names) for one, table in there))


def laid(layout: Layout, table: pa.Table, names: pa.Array) -> Rows:
    """One view's rows in the order of the names; nulls where it has none."""
    table = table.combine_chunks()
    places = pc.index_in(names, value_set=flat(table["customer_id"]))
    chosen = table.take(places)
    return Rows(
        layout=layout,
        columns=[flat(chosen[name]) for name, _ in layout.fields],
        times=flat(chosen["event_timestamp"]).cast(pa.int64()),
        created=flat(chosen["created_at"]).cast(pa.int64()),
    )


def flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
