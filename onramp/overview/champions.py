"""Who serves each task, from the registry. It needs MLflow, whose import takes seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx
from mlflow.tracking import MlflowClient

from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from lifecycle.sqlite import reading

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The versions of a task, and its experiments in MLflow, whose pages are named by a number."""

    champion: Version | None = None
    previous: Version | None = None
    newest: int | None = None
    experiments: Mapping[str, str] = field(default_factory=dict)


def serving(home: Home, tasks: Iterable[str]) -> Mapping[str, Serving]:
    """Task → who serves it. Makes nothing where there is no MLflow yet.

    Raises:
        DataError: its database is none, or damaged; or its server does not answer.
    """
    if not there(home):
        return {task: Serving() for task in tasks}
    client, registry = MlflowClient(home.tracking_uri), Registry(home)
    return {task: of_task(client, registry, task) for task in tasks}


def there(home: Home) -> bool:
    """Whether there is an MLflow to ask: its client would try a broken one for minutes."""
    if home.mlflow_file is not None:
        with reading(home.mlflow_file, "registered_models") as db:
            return db is not None
    if home.tracking_uri.startswith(("http://", "https://")):
        try:  # any answer is one: that we may not come in is for MLflow's client to say
            httpx.head(home.tracking_uri, timeout=PATIENCE_SECONDS)
        except httpx.HTTPError as error:
            raise DataError(
                "MLflow's server does not answer.",
                found=f"{type(error).__name__}.",
                do="Start it, or mend ONRAMP_TRACKING_URI.",
            ) from error
    return True


def of_task(client: MlflowClient, registry: Registry, task: str) -> Serving:
    versions = registry.versions(task)
    holders = {alias: version for version in versions for alias in version.aliases}
    found = {name: client.get_experiment_by_name(name) for name in (task, monitoring(task))}
    return Serving(
        champion=holders.get("champion"),
        previous=holders.get("previous"),
        newest=versions[0].number if versions else None,
        experiments={name: str(one.experiment_id) for name, one in found.items() if one},
    )


def monitoring(task: str) -> str:
    """The experiment of a task's looks."""
    return f"{task}-monitoring"
