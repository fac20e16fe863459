"""The training set: labelled moments, with the features as they were known at each moment."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from features import store
from features.labels import labels
from features.moments import moments
from lifecycle.errors import DataError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.task import Task
from training.trainingset import COLUMNS, KEYS, TrainingSet


def assemble(home: Home, task: Task, as_of: datetime) -> TrainingSet:
    """Join ripe labels with Feast's historical features, in a fixed order.

    Raises:
        DataError: no moment has a label yet.
    """
    dataset = home.dataset()
    ripe = labels(home, task, as_of)
    if ripe.empty:
        raise DataError(
            f"There is nothing to train {task.name} on.",
            found=f"No moment has a label by {as_of:%Y-%m-%d}.",
            do=f"Ingest more history: a label needs {task.horizon_days} days after its moment.",
        )
    asked = moments(home, task, as_of)[[*KEYS, "signed_up_at"]]
    known = store.historical(home, task.name, ripe[KEYS]).to_pandas()
    names = store.service_features(home, task.name)
    types = store.service_types(home, task.name)
    frame = ripe.merge(asked, on=KEYS, how="inner").merge(known, on=KEYS, how="inner")
    frame = frame.sort_values(["signed_up_at", *KEYS], kind="stable", ignore_index=True)
    return TrainingSet(
        frame=frame[[*COLUMNS, *names]],
        features=tuple((name, types[name]) for name in names),
        as_of=as_of,
        lineage={
            "dataset": dataset.name,
            "event_store": event_store_fingerprint(home),
            "feature_service": task.name,
            "feature_service_fingerprint": store.fingerprint(home, task.name),
        },
    )


def event_store_fingerprint(home: Home) -> str:
    """Of every source that was ever committed."""
    known = sorted(source.fingerprint for source in EventStore(home).sources())
    return blake2b("\n".join(known).encode(), digest_size=8).hexdigest()
