"""A row of the prediction log for features that a caller sent, of nobody that we know."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from lifecycle.prediction import FeatureValue, Prediction
from serving.champion import Champion


def sent_row(
    champion: Champion,
    at: datetime,
    *,
    prediction: float,
    answer: str,
    probabilities: Mapping[str, float],
    features: Mapping[str, FeatureValue],
) -> Prediction:
    """What the champion answered at that time, under a receipt of its own."""
    return Prediction(
        receipt_id=secrets.token_hex(12),
        task=champion.task,
        version=champion.version,
        customer_id=None,
        event_timestamp=None,
        scored_at=at,
        origin="invocations",
        prediction=prediction,
        answer=answer,
        probabilities=probabilities,
        features=features,
    )
