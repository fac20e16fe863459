"""A version's own scorer behind MLflow's own schema enforcement, without a registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import _validate_prediction_input, scoring_server
from mlflow.types import ColSpec, ParamSchema, Schema

from lifecycle.scorer import records
from serving.champion import Champion
from tests.serving.forge import NAMES as CLASSES
from tests.serving.forge import Recipe, rows, write_booster, write_facts
from training.model import Scorer, answered

COLUMNS = (("double", "visits", True), ("double", "spent", False), ("string", "country", True))


def schema(columns: Sequence[tuple[str, str, bool]] = COLUMNS) -> Schema:
    return Schema([ColSpec(kind, name, required=needed) for kind, name, needed in columns])


class Served:
    """What MLflow's scoring code sees of a loaded model."""

    def __init__(
        self, scorer: Scorer, inputs: Schema | None, params: ParamSchema | None = None
    ) -> None:
        self.scorer = scorer
        self.metadata = Model(signature=ModelSignature(inputs=inputs, params=params))

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        found, _ = _validate_prediction_input(data, params, self.metadata.get_input_schema(), None)
        return answered(self.scorer, found)


def scorer_of(kind: str, folder: Path) -> Scorer:
    """A small booster's scorer."""
    recipe, frame = Recipe(task="churn", kind=kind, seed=3), rows(300, 3)
    facts = write_facts(folder, recipe, frame, CLASSES[kind])
    codes = np.random.default_rng(3).integers(0, len(CLASSES[kind]), len(frame))
    write_booster(folder, facts, frame, codes, recipe)
    return Scorer.from_folder(folder)


def champion_of(scorer: Scorer, inputs: Schema | None = None, **more: Any) -> Champion:
    model = Served(scorer, inputs or schema(), more.pop("params", None))
    check = tuple(records(rows(6, 5)))
    return Champion(
        task="churn", version=1, model=model, scorer=scorer, **{"check": check, **more}
    )  # fmt: skip


def theirs(champion: Champion, kind: str, body: bytes) -> bytes:
    """What MLflow's scoring code answers, in its own bytes."""
    model = champion.model
    found = scoring_server.invocations(body, kind, model, model.metadata.get_input_schema())
    assert found.status == 200
    return found.response.encode()
