"""A version made ready to serve: loaded, warmed, and shown to repeat its recorded predictions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lifecycle import repeats, version_files
from lifecycle.integrity import UNPROVEN
from lifecycle.prediction import FeatureValue
from lifecycle.registry import Registry, Version
from lifecycle.scorer import Scorer, names, records
from serving.bands import Bands, bands

_logger = logging.getLogger("onramp.serving")


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
        check: a few of the recorded reference rows, for whoever has to show that it answers as
            the version does.
    """

    task: str
    version: int
    model: Any
    scorer: Scorer
    bands: Bands | None = None
    popularity: Mapping[str, float] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    check: Sequence[Mapping[str, FeatureValue]] = ()


def load(registry: Registry, version: Version) -> Champion:
    """Make the version ready to serve.

    A version without a digest, of before files were fingerprinted, serves on with a warning: to
    refuse it would end an answer that nobody found wrong. (The gate admits no such version.)

    Raises:
        DataError: its files changed, or it does not repeat its recorded predictions.
    """
    if not version.digest:
        _logger.warning("%s %s", version.name, UNPROVEN)
    loaded = repeats.load(registry, version)
    scorer, reference = loaded.scorer, loaded.reference
    return Champion(
        task=version.task,
        version=version.number,
        model=loaded.model,
        scorer=scorer,
        bands=bands(reference["prediction"].tolist()) if scorer.kind == "binary" else None,
        popularity=popularity(reference) if scorer.kind == "multiclass" else {},
        definitions=version_files.facts(loaded.folder).get("definitions", {}),
        check=tuple(records(reference[names(scorer)].head(repeats.CHECK_SMALL))),
    )


def popularity(reference: pd.DataFrame) -> dict[str, float]:
    """Share of each label among the reference rows, largest first; ties by name."""
    shares = reference["label"].dropna().astype(str).value_counts(normalize=True)
    pairs = zip(shares.index.astype(str), shares.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda share: (-share[1], share[0])))
