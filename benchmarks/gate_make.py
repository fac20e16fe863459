"""Makes the world of `benchmarks/gate.py`: simulate, build the features, encode them, once.

A file of its own because Feast takes seconds to be imported, and those who fit and judge need
none of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.gate_world import MATRIX, ROWS, TOLD
from benchmarks.world import EVENTS_PER_CUSTOMER, world
from feature_repo.apply import apply
from features.build import build
from features.catalogue import slug
from lifecycle.event_store import EventStore
from lifecycle.gate import NotWorseOnSlices
from lifecycle.task import Task, for_dataset
from lifecycle.whole import write_whole
from tasks.churn import TASK
from training.dataset import assemble
from training.encode import fit_encoder

LABELLED = 0.75  # of those who sign up: the newest have no label yet
SEED = 5


def make(folder: Path, learners: int, true: int) -> None:
    """Write the world of so many customers into its folder.

    Args:
        folder: for this many customers only; the simulation is kept there.
        learners: customers to learn from.
        true: customers who are the truth.

    Raises:
        SystemExit: the simulation gave fewer labelled customers than asked.
    """
    home = world(folder / "world", round((learners + true) / LABELLED * EVENTS_PER_CUSTOMER))
    dataset = home.dataset()
    task = for_dataset(TASK, dataset)
    as_of = EventStore(home).as_of(dataset)
    build(home, moments_days=task.moments, as_of=as_of, snapshot=False)
    apply(home)
    data = assemble(home, task, as_of)
    known, names = pd.factorize(data.frame["customer_id"], sort=True)
    if len(names) < learners + true:
        raise SystemExit(f"Only {len(names):,} customers have a label: make LABELLED smaller.")
    shuffled = np.random.default_rng(SEED).permutation(len(names))[known]
    order = np.lexsort((data.frame["event_timestamp"], shuffled))
    order = order[shuffled[order] < learners + true]
    frame = data.frame.iloc[order].reset_index(drop=True)
    encoder = fit_encoder(frame, data.features)
    sliced = {name: frame[name] for name in sliced_columns(task) if name in frame.columns}
    rows = pd.DataFrame({"customer": shuffled[order], "label": frame["label"], **sliced})
    rows.to_parquet(folder / ROWS, index=False)
    np.save(folder / MATRIX, encoder.matrix(frame).astype(np.float32))
    told = {"learners": learners, "features": encoder.features, "categories": encoder.categories}
    write_whole(folder / TOLD, json.dumps(told))  # last: it says that all is there


def sliced_columns(task: Task) -> list[str]:
    """Columns that the task's gate may slice by."""
    by = [rule.by for rule in task.gate.rules if isinstance(rule, NotWorseOnSlices)]
    return [f"profile_{slug(name)}" for names in by for name in names]
