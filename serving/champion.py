"""A version made ready to serve: loaded, warmed, and shown to repeat its recorded predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from lifecycle import version_files
from lifecycle.errors import DataError
from lifecycle.registry import Registry, Version
from serving.bands import Bands, bands
from serving.scorer import Probabilities, Scorer, names, records, reported

CHECK_ROWS = 256
CHECK_SMALL = 8
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Champion:
    """Everything an answer needs of one version; a request that holds it never sees another.

    Attributes:
        model: the version as MLflow serves it.
        scorer: the version without MLflow's frames around it.
        bands: cuts of the churn probability; None for a multiclass task.
        popularity: class → share among the reference customers, most popular first; empty for
            a binary task.
        definitions: feature → hash of its definition when the version was trained; empty for
            a version of before they were kept.
    """

    task: str
    version: int
    model: Any
    scorer: Scorer
    bands: Bands | None = None
    popularity: Mapping[str, float] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)


def load(registry: Registry, version: Version) -> Champion:
    """Make the version ready to serve.

    Raises:
        DataError: it does not repeat the predictions that were recorded when it was trained.
    """
    folder = registry.folder(version)
    model = mlflow.pyfunc.load_model(str(folder))
    scorer: Scorer = model.unwrap_python_model().scorer
    reference = version_files.reference(folder)
    verify(version, scorer, reference)
    model.predict(reference[names(scorer)].head(1))
    return Champion(
        task=version.task,
        version=version.number,
        model=model,
        scorer=scorer,
        bands=bands(reference["prediction"].tolist()) if scorer.kind == "binary" else None,
        popularity=popularity(reference) if scorer.kind == "multiclass" else {},
        definitions=version_files.facts(folder).get("definitions", {}),
    )


def verify(version: Version, scorer: Scorer, reference: pd.DataFrame) -> None:
    """Score recorded rows again, as a table and one by one, and compare.

    Raises:
        DataError: there is nothing to compare with, or an answer differs.
    """
    rows = reference.head(CHECK_ROWS)
    if rows.empty:
        raise DataError(
            f"Version {version.number} of {version.task} cannot be checked.",
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
            f"Version {version.number} of {version.task} does not repeat its recorded predictions.",
            found=(
                f"{int(differs.sum())} of {len(rows)} rows differ; in row {first} it recorded "
                f"{rows['answer'].iloc[first]} at {recorded[first]:.6f} and now says "
                f"{words[first]} at {predicted[first]:.6f}."
            ),
            do="Its files or a library changed: train it again.",
        )


def popularity(reference: pd.DataFrame) -> dict[str, float]:
    """Share of each label among the reference rows, largest first; ties by name."""
    shares = reference["label"].dropna().astype(str).value_counts(normalize=True)
    pairs = zip(shares.index.astype(str), shares.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda share: (-share[1], share[0])))
