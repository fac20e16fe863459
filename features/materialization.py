"""Load the newest rows into the online store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO

from feast import FeatureStore, FeatureView

from features.connection import config_file, connect, current
from features.online_layout import layout_of
from features.online_newest import (
    Source,
    batches,
    open_database,
    part_name,
    rewritten,
    wanted_of,
)
from features.online_plan import forget_plans
from features.online_port import Direct, Loader
from features.online_time import micros_of
from features.servers import reachable
from features.tables import TTL
from lifecycle.home import Home
from lifecycle.lock import held

# A load of everything takes minutes; the second of two would find nothing to do after it.
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class MaterializeReport:
    """What went to the online store.

    Attributes:
        start, end: moments in between, both inclusive; older ones would be stale.
        rows: view → customers loaded, of those whose rows were not loaded before.
        older: view → customers left alone, because the store holds a newer row of them.
    """

    start: datetime
    end: datetime
    rows: Mapping[str, int]
    older: Mapping[str, int]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        loaded = ", ".join(f"{view} {rows:,}" for view, rows in self.rows.items())
        return [f"online store: customers loaded into {loaded} ({self.seconds:.1f} s)"]


def materialize(home: Home, end: datetime) -> MaterializeReport:
    """Load each customer's newest row by `end` into the online store, as far as it is not there.

    Rows older than `TTL` before `end` would be stale there and are left out. Which parts of a view
    are loaded is remembered in the store, by the view's definition and the parts' names: what a
    killed load left undone, a part that came late and another definition are loaded next time. An
    older `end` than before is no error: the store refuses rows older than its own. A view of which
    a part was written anew is loaded afresh: a check may have set aside a row that is served.

    One load at a time: what an older one still writes, of definitions that were replaced meanwhile,
    would be found in place of what this one has loaded and remembered.

    Raises:
        NotReady: Feast was told of other definitions, or a server does not answer.
        Busy: other writers never let go of the store, or another load lasts longer than
            `PATIENCE_SECONDS`.
    """
    lock = home.locks / "materialize"
    with held(lock, "A load of the online store", patience_seconds=PATIENCE_SECONDS):
        return materialize_alone(home, end)


def materialize_alone(home: Home, end: datetime) -> MaterializeReport:
    """As `materialize`, for who holds the lock; the views are those of now, not of before it."""
    began = time.perf_counter()
    current(home)
    # Its own store: the cached one would show readers of this process what is not committed.
    store = connect(home)
    end = end.astimezone(UTC)
    start = end - TTL
    views = [view for view in store.list_feature_views() if view.online and folder_of(view)]
    online = store.provider.online_store
    with reachable(config_file(home)):
        if isinstance(online, Direct):
            forget_rewritten(home, store, online, views)
            sent, taken = load(home, store, online.loader(store.config), views, (start, end))
        else:
            # Feast prints; what a command prints is its report.
            with redirect_stdout(StringIO()):
                store.materialize(start, end, feature_views=[view.name for view in views])
            sent = taken = Counter()
    forget_plans(home)
    return MaterializeReport(
        start=start,
        end=end,
        rows={view.name: taken[view.name] for view in views},
        older={view.name: sent[view.name] - taken[view.name] for view in views},
        seconds=time.perf_counter() - began,
    )


def folder_of(view: FeatureView) -> str:
    """The name of the folder of the view's parts; empty when we did not build it."""
    return str(view.tags.get("definition", ""))


def forget_rewritten(
    home: Home, store: FeatureStore, online: Direct, views: Sequence[FeatureView]
) -> None:
    """Empty the views of which a loaded part was written anew.

    A row that was set aside is in no part, so nothing tells which customers hold it.
    """
    loader = online.loader(store.config)
    for view in views:
        source = source_of(home, store, loader, view)
        if rewritten(source.parts, source.known):
            online.delete_table(store.config, view)


def load(
    home: Home,
    store: FeatureStore,
    loader: Loader,
    views: Sequence[FeatureView],
    span: tuple[datetime, datetime],
) -> tuple[Counter[str], Counter[str]]:
    """Load what is lacking; rows sent and rows taken, by view."""
    start, end = span
    sent: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    with open_database(home.feast / "scratch") as db:
        wanted = [
            wanted_of(db, source_of(home, store, loader, view), micros_of(start), micros_of(end))
            for view in views
        ]
        for batch in batches(db, wanted):
            taken.update(loader.write(batch))
            sent.update(
                {rows.layout.view: len(rows.times) - rows.times.null_count for rows in batch.views}
            )
    for view, one in zip(views, wanted, strict=True):
        loader.remember(one.layout, one.parts)
        store.registry.apply_materialization(view, store.project, start, end)
    return sent, taken


def source_of(home: Home, store: FeatureStore, loader: Loader, view: FeatureView) -> Source:
    layout = layout_of(store.project, view)
    folder = home.features / view.name / folder_of(view)
    parts = {part_name(path): path for path in sorted(folder.glob("*.parquet"))}
    return Source(layout=layout, parts=parts, known=loader.loaded(layout))
