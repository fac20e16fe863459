"""A version as it was recorded: its files, its run and what the registry's page says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from lightgbm.basic import LightGBMError
from mlflow.exceptions import MlflowException

from lifecycle import version_files
from lifecycle.errors import DataError, NotReady
from lifecycle.registry import Registry, Version
from lifecycle.version_files import FILES
from training.model import FOREST, Scorer
from training.promotion.evidence import Contender
from training.promotion.side_by_side.values import Judgement, Side
from training.report.files import FOLDER
from training.reproduce import parameters_of

EXPLANATION = f"{FOLDER}/explanation.json"


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A version with all that the comparison reads of it.

    Attributes:
        contender: it as the gate would measure it.
        folder: its files.
        parameters: of its run; empty when the run is gone.
        explained: rows of the importance table of its training's report; empty: there is none.
    """

    side: Side
    contender: Contender
    folder: Path
    parameters: Mapping[str, str]
    explained: tuple[Mapping[str, Any], ...]

    @property
    def number(self) -> int:
        return self.side.number

    @property
    def scorer(self) -> Scorer:
        return self.contender.scorer

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.scorer.facts


def entrant(registry: Registry, version: Version) -> Entrant:
    """Read a version.

    Raises:
        NotReady: one of its files is gone.
        DataError: its model cannot be read.
    """
    folder = registry.folder(version)
    scorer = scorer_in(folder, version)
    parameters = parameters_of(registry, version.run_id)
    return Entrant(
        side=side(version, scorer.facts, version_files.evaluation(folder), parameters),
        contender=Contender(
            number=version.number, scorer=scorer, keys=version_files.row_keys(folder)
        ),
        folder=folder,
        parameters=parameters,
        explained=explained_rows(registry, version),
    )


def scorer_in(folder: Path, version: Version) -> Scorer:
    """The version's model, as it is served."""
    forest = folder / FILES / FOREST
    again = f"Train again: `onramp train {version.task}`."
    if not forest.exists():
        raise NotReady(
            f"{version.name} has no {FOREST}.",
            found="It was made before versions were forests, or is damaged.",
            do=again,
        )
    try:
        return Scorer.from_folder(folder / FILES)
    except (LightGBMError, ValueError, KeyError) as error:
        raise DataError(
            f"{version.name} cannot be read.",
            found=f"{type(error).__name__}: {error}",
            do=again,
        ) from error


def side(
    version: Version,
    facts: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    parameters: Mapping[str, str],
) -> Side:
    """What is told of the version."""
    return Side(
        number=version.number,
        aliases=version.aliases,
        run_id=version.run_id,
        as_of=str(facts["as_of"]),
        labels_known_until=str(facts["labels_known_until"]),
        test_signed_up_from=str(facts["test_signed_up_from"]),
        test_from=parameters.get("test_from", ""),
        test_until=parameters.get("test_until", ""),
        test_fingerprint=parameters.get("test_fingerprint", ""),
        data_fingerprint=version.tags.get("data_fingerprint", ""),
        lineage={str(k): str(v) for k, v in facts.get("lineage", {}).items()},
        rows=dict(evaluation.get("rows", {})),
        metrics=dict(evaluation.get("metrics", {})),
        verdict=judgement(version.tags),
        warnings=version.tags.get("warnings", ""),
    )


def judgement(tags: Mapping[str, str]) -> Judgement:
    return Judgement(
        decision=tags.get("verdict", "not judged yet"),
        at=tags.get("verdict.at", ""),
        by=tags.get("verdict.by", ""),
        against=tags.get("verdict.against", ""),
        why=tags.get("verdict.why", ""),
    )


def explained_rows(registry: Registry, version: Version) -> tuple[Mapping[str, Any], ...]:
    """The importance table of the training's report; empty where it was not made or is gone."""
    return tuple(section(registry, version, EXPLANATION).get("tables", {}).get("importance", ()))


def section(registry: Registry, version: Version, path: str) -> Mapping[str, Any]:
    """A section of the training's report; empty where it was not made or is gone."""
    with TemporaryDirectory() as scratch:
        try:
            place = mlflow.artifacts.download_artifacts(
                run_id=version.run_id,
                artifact_path=path,
                dst_path=scratch,
                tracking_uri=registry.home.tracking_uri,
            )
            told: dict[str, Any] = json.loads(Path(place).read_text(encoding="utf-8"))
        except (MlflowException, OSError, ValueError):  # gone, unreachable, or no JSON
            return {}
    return told
