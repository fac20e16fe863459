"""Names that a feature cannot have, and words that it cannot be made of."""

from __future__ import annotations

from collections import Counter

from features.feature import KEYS, Feature
from lifecycle.dataset import DataSet
from lifecycle.errors import DataError
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS

# Stands beside the data set's columns while features are computed; chunks of moments by number.
CHUNK_COLUMN = "onramp_chunk"

# Columns of Feast's own frames and of the prediction log, which carry features beside them.
TAKEN = (
    *KEYS, "signed_up_at", "label", "label_end", "entity_row_id", "receipt_id", "task", "version",
    "scored_at", "origin", "prediction", "answer", "probabilities",
)  # fmt: skip


def refuse_leaks(dataset: DataSet, features: tuple[Feature, ...]) -> None:
    """Raise DataError where a feature is made of a column that the data set says leaks."""
    for feature in features:
        for word in feature.needs:
            if word in dataset.leaks:
                raise DataError(
                    f"The feature {feature.name!r} of {dataset.name!r} would leak.",
                    found=f"It is made of {word!r}: {dataset.leaks[word]}",
                    do=f"Take {word!r} out of the data set's vocabulary, properties and profile.",
                )


def refuse_our_columns(dataset: DataSet) -> None:
    """Raise DataError where a property or profile column is named as another one of its table.

    To DuckDB capitals make no other name.
    """
    for key, names, ours in (
        ("properties", dataset.properties, EVENT_COLUMNS),
        ("profile", dataset.profile, CUSTOMER_COLUMNS),
    ):
        taken = dict.fromkeys((*ours, CHUNK_COLUMN), "a column of the event store or of the build")
        for name in names:
            if name.casefold() in taken:
                raise DataError(
                    f"No column of [{key}] can be named {name!r} in {dataset.name!r}.",
                    found=f"It is the name of {taken[name.casefold()]}; capitals do not count.",
                    do="Rename it in the data set's TOML file.",
                )
            taken[name.casefold()] = f"{name!r} too"


def refuse_bad_names(dataset: DataSet, features: tuple[Feature, ...]) -> None:
    """Raise DataError where a name is taken twice, belongs to the platform, or breaks Feast.

    Feast's duckdb store drops every column whose name ends in `_y` from its join.
    """
    count = Counter(feature.name for feature in features)
    for feature in features:
        words = ", ".join(feature.needs)
        if count[feature.name] > 1:
            clash = [", ".join(f.needs) for f in features if f.name == feature.name]
            raise DataError(
                f"Two features of {dataset.name!r} would be named {feature.name!r}.",
                found=f"They are made of {' and of '.join(clash)}.",
                do="Rename one of these words in the data set's TOML file.",
            )
        if feature.name in TAKEN or feature.name.endswith(("_", "_y")) or "__" in feature.name:
            raise DataError(
                f"No feature can be named {feature.name!r}.",
                found=f"It is made of {words} in {dataset.name!r}.",
                do="Rename it in the data set's TOML file (not empty, not ending in '_y').",
            )
