"""The reference: what the model was asked in its test, for monitoring to compare with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lifecycle.profile import Codes, Profile, profile_of, shape_of
from lifecycle.version_files import REFERENCE_ROWS
from training.model import Scorer
from training.parts import Prepared
from training.trainingset import KEYS

SECONDS_A_DAY = 86_400


def reference_of(prepared: Prepared, scorer: Scorer, seed: int) -> pd.DataFrame:
    """A seeded sample of the test's moments, in time order, with what the model answered.

    Moments that got no answer belong to it (`label` is null): what is served is asked of
    everybody, and a reference of those alone who did answer would look like drift for ever.

    Returns:
        customer_id, event_timestamp, the features, label, prediction, answer.
    """
    rows = sampled(prepared, seed)
    p = scorer.score(rows)
    return rows[[*KEYS, *prepared.encoder.names, "label"]].assign(
        prediction=p[:, 1] if scorer.kind == "binary" else p.max(axis=1), answer=scorer.answers(p)
    )


def sampled(prepared: Prepared, seed: int) -> pd.DataFrame:
    """The moments of the sample as the data set has them."""
    frame, unanswered = prepared.data.frame, prepared.data.unanswered
    tested = frame.iloc[prepared.test.positions]
    silent = unanswered[unanswered["signed_up_at"] >= prepared.splits.test_from]
    rows = pd.concat([tested, silent]) if len(silent) else tested
    if len(rows) > REFERENCE_ROWS:
        rows = rows.sample(REFERENCE_ROWS, random_state=seed)
    return rows.sort_values(["event_timestamp", "customer_id"], kind="stable", ignore_index=True)


def profiled(
    prepared: Prepared, reference: pd.DataFrame, importance: Mapping[str, float], seed: int
) -> Profile:
    """The reference in counts, which windows are compared with, and what its features weigh."""
    names = [*prepared.encoder.names, "prediction", "answer"]
    found = profile_of(
        reference,
        [shape_of(name, reference[name]) for name in names],
        days_of(sampled(prepared, seed)),
    )
    return Profile(shapes=found.shapes, parts=found.parts, importance=dict(importance))


def days_of(rows: pd.DataFrame) -> Codes:
    """Whole days from sign-up to each row's moment, shape (rows,)."""
    since = (rows["event_timestamp"] - rows["signed_up_at"]).dt.total_seconds()
    return np.asarray((since / SECONDS_A_DAY).round(), dtype=np.int64)
