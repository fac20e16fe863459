"""Tell Feast what there is: the derived objects into the home's registry, the unwanted out."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from feast import FeatureStore, Project
from feast.diff.property_diff import TransitionType
from feast.diff.registry_diff import FeastObjectDiff, diff_between
from feast.feature_view import DUMMY_ENTITY
from feast.repo_contents import RepoContents

from feature_repo.configuration import write_config
from feature_repo.derive import Repo, built_tables, derive
from feature_repo.one_apply import one_apply
from feature_repo.warehouse import drop_others
from features.connection import forget_store, open_store
from features.servers import reachable
from features.tables import sweep
from lifecycle.home import Home
from lifecycle.task import Task
from tasks import supported


@dataclass(frozen=True, kw_only=True)
class ApplyReport:
    """What changed in the registry, as `kind name`.

    Attributes:
        removed_folders, removed_tables: features of older definitions, which nothing reads now.
    """

    created: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]
    views: tuple[str, ...]
    services: tuple[str, ...]
    features: int
    removed_folders: tuple[str, ...]
    removed_tables: tuple[str, ...]
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        changes = (*self.created, *self.updated, *(f"{name} removed" for name in self.deleted))
        return [
            f"Feast: {self.features} features in {len(self.views)} views, services "
            f"{', '.join(self.services)}; "
            + (f"changed {', '.join(changes)}" if changes else "nothing changed")
        ]

    @property
    def changed(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


def apply(home: Home, tasks: Mapping[str, Task] | None = None) -> ApplyReport:
    """Bring the home's registry to what catalogue and tasks say. A second time changes nothing.

    Args:
        home: must hold built features.
        tasks: by name, as the data set asks them; all that it supports when None.

    Raises:
        NotReady: the features are not built, or a server does not answer.
    """
    began = time.perf_counter()
    dataset = home.dataset()
    # Before there is a configuration, which says to others that Feast was told something.
    built_tables(home, dataset)
    path = write_config(home)
    with reachable(path), one_apply(home, path):
        forget_store(home)
        # Under the lock, and once: what is told is what stays.
        repo = derive(home, supported(dataset) if tasks is None else tasks)
        changes = tell(open_store(home), repo)
        write_ahead(home)
        folders, dropped = sweep(home, repo.tables), drop_others(home, repo.tables)
    return ApplyReport(
        created=named(changes, TransitionType.CREATE),
        updated=named(changes, TransitionType.UPDATE),
        deleted=named(changes, TransitionType.DELETE),
        views=tuple(view.name for view in repo.views),
        services=tuple(service.name for service in repo.services),
        # Of each view one is the marker.
        features=sum(len(view.features) - 1 for view in repo.views),
        removed_folders=tuple(str(folder) for folder in folders),
        removed_tables=dropped,
        seconds=time.perf_counter() - began,
    )


def tell(store: FeatureStore, repo: Repo) -> tuple[FeastObjectDiff, ...]:
    """Bring the registry to what `repo` says; returns what differed."""
    changes = differences(store, repo)
    if changes:
        store.apply(
            [
                Project(name=store.project), repo.customer, *repo.sources, *repo.views,
                *repo.services,
            ],
            objects_to_delete=[
                change.current_feast_object
                for change in changes
                if change.transition_type is TransitionType.DELETE
            ],
            partial=False,
        )  # fmt: skip
        store.refresh_registry()
    return changes


def differences(store: FeatureStore, repo: Repo) -> tuple[FeastObjectDiff, ...]:
    """What the registry has to change."""
    wanted = RepoContents(
        projects=[Project(name=store.project)],
        data_sources=list(repo.sources),
        feature_views=list(repo.views),
        on_demand_feature_views=[],
        stream_feature_views=[],
        label_views=[],
        entities=[repo.customer, DUMMY_ENTITY],
        feature_services=list(repo.services),
        permissions=[],
    )
    diff = diff_between(store.registry, store.project, wanted)
    return tuple(change for change in diff.feast_object_diffs if differs(change))


def differs(change: FeastObjectDiff) -> bool:
    """Whether there is something to apply.

    Feast finds a materialized view different from its definition for the time at which each of
    their sources was made.
    """
    if change.transition_type is not TransitionType.UPDATE:
        return bool(change.transition_type is not TransitionType.UNCHANGED)
    names = {found.property_name for found in change.feast_object_property_diffs}
    if names == {"batch_source"}:
        old, new = change.current_feast_object, change.new_feast_object
        return bool(old.batch_source != new.batch_source)
    return True


def named(changes: tuple[FeastObjectDiff, ...], transition: TransitionType) -> tuple[str, ...]:
    return tuple(
        sorted(
            f"{change.feast_object_type.value} {change.name}"
            for change in changes
            # Feast's own entity of views without one is no news to anybody
            if change.transition_type is transition and change.name != DUMMY_ENTITY.name
        )
    )


def write_ahead(home: Home) -> None:
    """Let customers be read while others are written; SQLite remembers the mode in the file."""
    for name in ("registry.db", "online.db"):
        path = home.feast / name
        if path.exists():
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
