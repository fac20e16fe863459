"""A version shown to repeat the predictions that were recorded when it was trained.

Serving asks it before it answers with a version, and promotion and rollback before they make one
champion: what could not be served must not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from lifecycle import version_files
from lifecycle.errors import DataError
from lifecycle.integrity import without_bytecode
from lifecycle.registry import Registry, Version
from lifecycle.scorer import Probabilities, Scorer, names, records, reported

CHECK_ROWS = 256
CHECK_SMALL = 8
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A version that loads and repeats itself.

    Attributes:
        model: as MLflow serves it, by the code that came with it.
        scorer: the same without MLflow's frames around it.
        reference: the rows that were recorded.
    """

    folder: Path
    model: Any
    scorer: Scorer
    reference: pd.DataFrame


def load(registry: Registry, version: Version) -> Loaded:
    """Fetch the version, load it as it is served, and check it.

    Raises:
        DataError: its files changed, or it does not repeat its recorded predictions.
    """
    folder = registry.folder(version)
    model = as_served(folder)
    scorer: Scorer = model.unwrap_python_model().scorer
    reference = version_files.reference(folder)
    verify(version, scorer, reference)
    model.predict(reference[names(scorer)].head(1))
    return Loaded(folder=folder, model=model, scorer=scorer, reference=reference)


def as_served(folder: Path) -> Any:
    """The model as MLflow serves it, by the code that came with it and was verified."""
    with without_bytecode():
        return mlflow.pyfunc.load_model(str(folder))


def verify(version: Version, scorer: Scorer, reference: pd.DataFrame) -> None:
    """Score recorded rows again, as a table and one by one, and compare.

    Raises:
        DataError: there is nothing to compare with, or an answer differs.
    """
    rows = reference.head(CHECK_ROWS)
    if rows.empty:
        raise DataError(
            f"{version.name} cannot be checked.",
            found="It came without reference rows.",
            do="Train it again.",
        )
    features = rows[names(scorer)]
    compare(version, rows, scorer, scorer.score(features))
    few = records(features.head(CHECK_SMALL))
    compare(version, rows.head(CHECK_SMALL), scorer, scorer.score_rows(few))


def compare(
    version: Version, rows: pd.DataFrame, scorer: Scorer, probabilities: Probabilities
) -> None:
    """Hold answers against the recorded ones.

    Raises:
        DataError: one differs; the error names the first.
    """
    recorded = rows["prediction"].to_numpy(dtype=float)
    predicted = reported(scorer, probabilities)
    words = np.asarray(scorer.answers(probabilities), dtype=object)
    differs = ~np.isclose(predicted, recorded, rtol=0.0, atol=TOLERANCE)
    differs |= words != rows["answer"].astype(str).to_numpy(dtype=object)
    if differs.any():
        first = int(differs.argmax())
        raise DataError(
            f"{version.name} does not repeat its recorded predictions.",
            found=(
                f"{int(differs.sum())} of {len(rows)} rows differ; in row {first} it recorded "
                f"{rows['answer'].iloc[first]} at {recorded[first]:.6f} and now says "
                f"{words[first]} at {predicted[first]:.6f}."
            ),
            do="Its files or a library changed: train it again.",
        )
