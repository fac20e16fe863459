"""Any online store that is none of ours, loaded and read by Feast itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from feast import FeatureStore, FeatureView
from feast.feature_view import FeatureViewState

from features.online_port import Answer, Asked, Value

# States in which Feast answers; a view that was never materialized is in another.
SERVED = (
    FeatureViewState.STATE_UNSPECIFIED,
    FeatureViewState.AVAILABLE_ONLINE,
    FeatureViewState.MATERIALIZING,
)


class FeastReader:
    """Reads one service's features by `get_online_features`; see `online_port.Reader`.

    The moment is read from the marker, because Feast's stores keep whole seconds; a view without
    one has no row that could be told from none.
    """

    def __init__(
        self, store: FeatureStore, asked: Sequence[Asked], views: Sequence[FeatureView]
    ) -> None:
        self.store = store
        self.join_key = asked[0].layout.join_key
        self.features = [name for one in asked for name in one.features]
        self.markers = [one.layout.marker for one in asked]
        self.references = [
            f"{one.layout.view}:{name}"
            for one in asked
            for name in (*one.features, one.layout.marker)
            if name is not None
        ]
        self.served = all(view.state in SERVED for view in views)

    def read(self, customer_ids: Sequence[str]) -> Sequence[Answer]:
        if not self.served or None in self.markers:
            nobody = [None] * len(self.features), [None] * len(self.markers)
            return [nobody] * len(customer_ids)
        answer = self.store.get_online_features(
            features=self.references,
            entity_rows=[{self.join_key: customer_id} for customer_id in customer_ids],
        ).proto
        columns = {
            name: [value_of(value) for value in vector.values]
            for name, vector in zip(answer.metadata.feature_names.val, answer.results, strict=True)
        }
        return [
            (
                [columns[name][n] for name in self.features],
                [moment_of(columns[str(marker)][n]) for marker in self.markers],
            )
            for n in range(len(customer_ids))
        ]


def value_of(message: Any) -> Value:
    """The plain value of Feast's message."""
    kind = message.WhichOneof("val")
    if kind is None or kind == "null_val":
        return None
    plain: Value = getattr(message, kind)
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def moment_of(marker: Value) -> int | None:
    return None if marker is None else int(float(marker))
