"""What training works on: one frame of labelled moments, wherever it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:  # the feature catalogue costs half a second, which a plain table needs not
    from features.meaning import Meaning

KEYS = ["customer_id", "event_timestamp"]
BROKEN_MOMENTS, BROKEN_SPANS = "moments_in_broken_spans", "broken_spans"  # of the lineage
COLUMNS = (*KEYS, "signed_up_at", "label", "label_end")


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Everything that training needs, wherever it came from.

    Attributes:
        frame: `customer_id`, `event_timestamp`, `signed_up_at`, `label`, `label_end` and one
            column a feature; one row a moment; never changed.
        unanswered: the same columns, for moments whose horizon has passed without an answer
            (no content taken up): nothing to learn, but the model is asked there too.
        features: (name, "number" | "category") in order.
        as_of: what was received later does not exist.
        timed: whether `event_timestamp` and `signed_up_at` mean anything. A plain table without
            time is cut at random by entity, stratified by label: there is no later to test on.
        lineage: where the rows came from, for the run.
        definitions: feature → hash of what decides its values, so that the same name with
            another meaning is noticed.
        meanings: feature → what its value tells a person, for the reasons of an answer.
    """

    frame: pd.DataFrame
    features: tuple[tuple[str, str], ...]
    as_of: datetime
    timed: bool = True
    lineage: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    unanswered: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))

    @property
    def fingerprint(self) -> str:
        """Of every value in the frame: two equal fingerprints are the same training set."""
        hashed = pd.util.hash_pandas_object(self.frame, index=False).to_numpy()
        names = repr((self.features, tuple(self.frame.columns))).encode()
        return blake2b(hashed.tobytes() + names, digest_size=8).hexdigest()
