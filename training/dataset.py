"""The training set: labelled moments, with the features as they were known at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import pandas as pd

from features import store
from features.built import Mask, built, quarantined
from features.labels import labels
from features.meaning import meanings
from features.moments import moments, watermark
from lifecycle.broken_spans import BrokenSpan, broken_spans, written
from lifecycle.errors import DataError, NotReady
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from lifecycle.task import Task
from training.trainingset import BROKEN_MOMENTS, BROKEN_SPANS, COLUMNS, KEYS, TrainingSet


def assemble(
    home: Home, task: Task, as_of: datetime, *, broken: Sequence[BrokenSpan] | None = None
) -> TrainingSet:
    """Join ripe labels with Feast's historical features, in a fixed order.

    Moments whose features broke a bound are left out: Feast would hand them an earlier vector.
    So are those of spans whose data monitoring called broken.

    Args:
        home: where everything lives.
        task: as the home's data set asks it.
        as_of: what was received later does not exist.
        broken: the spans; default: as the ledger knows them at `as_of`.

    Raises:
        DataError: no moment has a label yet, or none that is not broken.
        NotReady: the features of some moments are not built.
    """
    dataset = home.dataset()
    ripe = labels(home, task, as_of)
    if ripe.empty:
        raise DataError(
            f"There is nothing to train {task.name} on.",
            found=f"No moment has a label by {as_of:%Y-%m-%d}.",
            do=f"Ingest more history: a label needs {task.horizon_days} days after its moment.",
        )
    due = moments(home, task, as_of)[[*KEYS, "signed_up_at"]]
    past = due[due["event_timestamp"] + task.horizon <= (watermark(home, as_of) or as_of)]
    spans = broken_spans(home, task.name, as_of) if broken is None else tuple(broken)
    distrusted = within(past["event_timestamp"], spans)
    past = past[~distrusted]
    if past.empty:
        raise all_broken(task, spans)
    rejected = refuse_unbuilt(home, task, past)
    rows = past[~rejected].merge(ripe, on=KEYS, how="left", validate="one_to_one")
    rows = rows.sort_values(["signed_up_at", *KEYS], kind="stable", ignore_index=True)
    types = store.service_types(home, task.name)
    known = store.historical(home, task.name, rows[KEYS]).to_pandas()[list(types)]
    whole = pd.concat([rows[list(COLUMNS)], known], axis=1)
    answered = whole["label"].notna()
    return TrainingSet(
        frame=whole[answered].reset_index(drop=True),
        unanswered=whole[~answered].reset_index(drop=True),
        features=tuple(types.items()),
        meanings={name: told for name, told in meanings(dataset).items() if name in types},
        as_of=as_of,
        lineage={
            "dataset": dataset.name,
            "quarantined_moments": str(int(rejected.sum())),
            BROKEN_MOMENTS: str(int(distrusted.sum())),
            **({BROKEN_SPANS: written(spans)} if spans else {}),
            "event_store": event_store_fingerprint(home),
            "feature_service": task.name,
            "feature_service_fingerprint": store.fingerprint(home, task.name),
        },
    )


def within(times: pd.Series, spans: Sequence[BrokenSpan]) -> pd.Series:
    """Which of the times lie in any of the spans, which are open at their start."""
    found = pd.Series(data=False, index=times.index)
    for span in spans:
        found |= (times > span.start) & (times <= span.end)
    return found


def all_broken(task: Task, spans: Sequence[BrokenSpan]) -> DataError:
    return DataError(
        f"There is nothing to train {task.name} on.",
        found=f"Every moment with a label lies where monitoring called the data broken: "
        f"{written(spans)}.",
        do="Mend the pipe; `onramp monitor --as-of` looks at a window again.",
    )


def refuse_unbuilt(home: Home, task: Task, asked: pd.DataFrame) -> Mask:
    """Which of the moments are quarantined; all others have to be built.

    Raises:
        NotReady: some moments have no features.
    """
    ready = built(home, asked)
    broken = ~ready & quarantined(home, asked)
    absent = int((~ready & ~broken).sum())
    if absent:
        raise NotReady(
            f"{absent} of {len(asked)} moments of {task.name} have no features.",
            found="Their features were not built yet.",
            do="Run `onramp features`, then train again.",
        )
    return broken


def event_store_fingerprint(home: Home) -> str:
    """Of every source that was ever committed."""
    known = sorted(source.fingerprint for source in EventStore(home).sources())
    return blake2b("\n".join(known).encode(), digest_size=8).hexdigest()
