"""The reference: what the model was asked in its test, for monitoring to compare with."""

from __future__ import annotations

import pandas as pd

from lifecycle.version_files import REFERENCE_ROWS
from training.model import Scorer
from training.parts import Prepared
from training.trainingset import KEYS


def reference_of(prepared: Prepared, scorer: Scorer, seed: int) -> pd.DataFrame:
    """A seeded sample of the test's moments, in time order, with what the model answered.

    Moments that got no answer belong to it (`label` is null): what is served is asked of
    everybody, and a reference of those alone who did answer would look like drift for ever.

    Returns:
        customer_id, event_timestamp, the features, label, prediction, answer.
    """
    frame, unanswered = prepared.data.frame, prepared.data.unanswered
    tested = frame.iloc[prepared.test.positions]
    silent = unanswered[unanswered["signed_up_at"] >= prepared.splits.test_from]
    rows = pd.concat([tested, silent]) if len(silent) else tested
    if len(rows) > REFERENCE_ROWS:
        rows = rows.sample(REFERENCE_ROWS, random_state=seed)
    rows = rows.sort_values(["event_timestamp", "customer_id"], kind="stable", ignore_index=True)
    p = scorer.score(rows)
    return rows[[*KEYS, *prepared.encoder.names, "label"]].assign(
        prediction=p[:, 1] if scorer.kind == "binary" else p.max(axis=1), answer=scorer.answers(p)
    )
