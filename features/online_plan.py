"""What an online read of a service asks for: worked out once, and anew when the registry changes.

Feast rebuilds its objects from messages at every look into the registry, type-checked field by
field: that costs a hundred times the read itself. So nobody who asks waits for it but the first:
a change is looked for in passing and taken up in a thread, while the plan before it answers on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feast import FeatureStore
from feast.errors import FeastError
from feast.infra.registry.sql import SqlRegistry, feast_metadata
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from features.clock import Stamp, changed_at
from features.connection import config_file, find_service, forget_store, open_store
from features.online_feast import FeastReader
from features.online_layout import layout_of
from features.online_port import Asked, Direct, Reader
from lifecycle.errors import OnrampError
from lifecycle.home import Home

# How often a registry is looked at: a file, and a server.
LOOK_SECONDS = 0.25
ASK_SECONDS = 5.0
# A registry tells its last change in whole seconds: one that young may change unseen.
UNSURE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one service asks for, by the registry's state.

    Attributes:
        store: Feast's, which `forget_store` makes another.
        stamp: names the state.
        config: names the state of Feast's configuration.
        wait: seconds between two looks at the registry.
        places: feature → its place among the values that the reader gives.
    """

    store: FeatureStore
    stamp: Stamp
    config: Stamp
    wait: float
    places: Mapping[str, int]
    definitions: Mapping[str, str]
    reader: Reader


Key = tuple[Path, str]
_plans: dict[Key, Plan] = {}
_looked: dict[Key, float] = {}
_busy: set[Key] = set()


def plan_of(home: Home, service: str) -> Plan:
    """The plan, at most a few seconds behind the registry.

    Raises:
        UnknownName: no service of that name.
        NotReady: nothing was applied yet.
    """
    key = (home.root, service)
    plan = _plans.get(key)
    if plan is None or plan.store is not open_store(home):
        plan = _plans[key] = make_plan(home, service)
        _looked[key] = time.monotonic()
    elif time.monotonic() - _looked[key] > plan.wait:
        _looked[key] = time.monotonic()
        if key not in _busy and may_have_changed(home, plan):
            _busy.add(key)
            threading.Thread(target=renew, args=(home, service, plan), daemon=True).start()
    return plan


def forget_plans(home: Home) -> None:
    """Look anew next time, at once: this process has changed the registry itself."""
    for key in [key for key in _plans if key[0] == home.root]:
        _plans.pop(key, None)


def may_have_changed(home: Home, plan: Plan) -> bool:
    """Whether to ask the registry. A file says so itself."""
    embedded = embedded_registry(home)
    return not embedded.exists() or changed_at(config_file(home), embedded) != plan.stamp


def embedded_registry(home: Home) -> Path:
    return home.feast / "registry.db"


def renew(home: Home, service: str, old: Plan) -> None:
    """Replace the plan if the registry has changed; leave it if the registry cannot be asked."""
    key = (home.root, service)
    try:
        if changed_at(config_file(home)) != old.config:
            forget_store(home)
        new = make_plan(home, service, old)
    except (OnrampError, FeastError):
        # The service is gone, or the home: who asks next is told so.
        new = None
    except (SQLAlchemyError, OSError):
        new = old
    finally:
        _busy.discard(key)
    # What was forgotten meanwhile stays forgotten.
    if _plans.get(key) is old:
        if new is None:
            del _plans[key]
        else:
            _plans[key] = new


def make_plan(home: Home, service: str, old: Plan | None = None) -> Plan:
    # Stamped before the look: a change in between is seen next time.
    config = changed_at(config_file(home))
    store = open_store(home)
    stamp = stamp_of(home, store)
    if old is not None and old.stamp == stamp:
        return old
    store.refresh_registry()
    parts = find_service(home, service).feature_view_projections
    views = [store.get_feature_view(part.name) for part in parts]
    asked = tuple(
        Asked(
            layout=layout_of(store.project, view),
            features=tuple(feature.name for feature in part.features),
        )
        for view, part in zip(views, parts, strict=True)
    )
    applied = {f.name: f.tags.get("definition", "") for view in views for f in view.features}
    names = tuple(name for one in asked for name in one.features)
    online = store.provider.online_store
    return Plan(
        store=store,
        stamp=stamp,
        config=config,
        wait=LOOK_SECONDS if embedded_registry(home).exists() else ASK_SECONDS,
        places={name: place for place, name in enumerate(names)},
        definitions={name: applied[name] for name in names},
        reader=(
            online.reader(store.config, asked)
            if isinstance(online, Direct) and all(map(plain, asked))
            else FeastReader(store, asked, views)
        ),
    )


def plain(asked: Asked) -> bool:
    """Whether all that is asked for are numbers and categories."""
    kinds = dict(asked.layout.fields)
    return all(kinds[name] != "other" for name in asked.features)


def stamp_of(home: Home, store: FeatureStore) -> Stamp:
    """Names the registry's state: when its file, or what a server holds of it, was changed."""
    embedded = embedded_registry(home)
    if embedded.exists() or not isinstance(store.registry, SqlRegistry):
        return changed_at(config_file(home), embedded)
    with store.registry.read_engine.connect() as connection:
        changed = connection.execute(
            select(feast_metadata.c.last_updated_timestamp).where(
                feast_metadata.c.project_id == store.project,
                feast_metadata.c.metadata_key == "last_updated_timestamp",
            )
        ).scalar()
    return (int(changed or 0), int(time.time() - int(changed or 0) > UNSURE_SECONDS))
