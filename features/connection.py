"""The one file that imports Feast to read it: its store, its services, and what a read asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feast import FeatureService, FeatureStore, FeatureView
from feast.errors import FeatureServiceNotFoundException
from feast.feature_view import FeatureViewState

from features.clock import Stamp, changed_at
from features.servers import reachable
from features.tables import Table, tables
from lifecycle.errors import NotReady, UnknownName
from lifecycle.home import Home

# States in which Feast answers; a view that was never materialized is in another.
SERVED = (
    FeatureViewState.STATE_UNSPECIFIED,
    FeatureViewState.AVAILABLE_ONLINE,
    FeatureViewState.MATERIALIZING,
)

_stores: dict[Path, FeatureStore] = {}
_plans: dict[tuple[Path, str], Plan] = {}


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
        return FeatureStore(fs_yaml_file=path)


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


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one online read of a service asks Feast for: worked out once for each registry state.

    Feast rebuilds its objects from messages at every look into the registry, type-checked field
    by field: for 60 features that costs ten times the read itself.
    """

    stamp: Stamp
    features: tuple[str, ...]
    references: tuple[str, ...]
    markers: tuple[str, ...]
    definitions: Mapping[str, str]
    served: bool


def plan_of(home: Home, service: str) -> Plan:
    stamp = changed_at(config_file(home), home.feast / "registry.db")
    key = (home.root, service)
    if key not in _plans or _plans[key].stamp != stamp:
        _plans[key] = make_plan(home, service, stamp)
    return _plans[key]


def make_plan(home: Home, service: str, stamp: Stamp) -> Plan:
    store = open_store(home)
    store.refresh_registry()
    parts = find_service(home, service).feature_view_projections
    views = [store.get_feature_view(part.name) for part in parts]
    pairs = [(part.name, feature.name) for part in parts for feature in part.features]
    markers = [(view.name, marker_of(view)) for view in views]
    applied = {f.name: f.tags.get("definition", "") for view in views for f in view.features}
    return Plan(
        stamp=stamp,
        features=tuple(name for _, name in pairs),
        references=tuple(f"{view}:{name}" for view, name in (*pairs, *markers)),
        markers=tuple(name for _, name in markers),
        definitions={name: applied[name] for _, name in pairs},
        served=all(view.state in SERVED for view in views),
    )


def marker_of(view: FeatureView) -> str:
    """The applied view's marker column."""
    found: str = next(f.name for f in view.features if f.name.startswith(f"{view.name}_moment_"))
    return found
