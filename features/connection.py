"""Feast's store of a home, one a process, and what it knows of services and tables."""

from __future__ import annotations

import weakref
from pathlib import Path

from feast import FeatureService, FeatureStore
from feast.errors import FeatureServiceNotFoundException
from feast.infra.registry.sql import SqlRegistry

from features.servers import reachable
from features.tables import Table, tables
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home

_stores: dict[Path, FeatureStore] = {}


def config_file(home: Home) -> Path:
    """Feast's configuration of the home."""
    return home.feast / "feature_store.yaml"


def open_store(home: Home) -> FeatureStore:
    """The home's Feast store: one a process, because alternating two costs nine times as much.

    Raises:
        NotReady: nothing was applied yet.
    """
    if home.root not in _stores:
        _stores[home.root] = connect(home)
    return _stores[home.root]


def connect(home: Home) -> FeatureStore:
    path = config_file(home)
    if not path.exists():
        raise NotReady(
            f"Feast knows nothing of {home.root} yet.",
            found=f"No {path}.",
            do="Run `onramp features` first.",
        )
    with reachable(path):
        store = FeatureStore(fs_yaml_file=path)
    if isinstance(store.registry, SqlRegistry):
        # Feast never closes the connections of its registry; a server counts them.
        weakref.finalize(store, store.registry.write_engine.dispose)
    return store


def forget_store(home: Home) -> None:
    """Open anew next time: the configuration or the registry has changed."""
    _stores.pop(home.root, None)


def find_service(home: Home, service: str) -> FeatureService:
    """The feature service of a task.

    Raises:
        UnknownName: there is none of that name.
        NotReady: nothing was applied yet.
    """
    store = open_store(home)
    try:
        return store.get_feature_service(service, allow_cache=True)
    except FeatureServiceNotFoundException:
        known = [one.name for one in store.list_feature_services()]
    raise UnknownName("feature service", service, known)


def current(home: Home) -> tuple[Table, ...]:
    """The tables as defined now.

    Raises:
        NotReady: Feast was told of other definitions.
    """
    found = tables(home, home.dataset())
    store = open_store(home)
    for table in found:
        applied = store.get_feature_view(table.view).tags.get("definition")
        if applied != table.folder.name:
            raise NotReady(
                f"Feast holds {table.view} by another definition.",
                found=f"Applied {applied}, now {table.folder.name}.",
                do="Run `onramp features` to build and apply it.",
            )
    return found
