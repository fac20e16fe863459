"""Small real versions for the tests of serving: a booster, training's own model file, MLflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from lifecycle.tracking import CodeModel, run
from training import model as model_file
from training.model import FOLDER, FOREST, Scorer

NAMES = {"binary": ("no", "yes"), "multiclass": ("article", "lesson", "video")}
FEATURES = (("visits", "number"), ("spent", "number"), ("country", "category"))
COUNTRIES = ("DE", "FR", "IT")


def rows(count: int, seed: int) -> pd.DataFrame:
    """Feature rows as a caller would send them; some values are missing."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "visits": draw.poisson(4, count).astype(float),
            "spent": draw.gamma(2.0, 10.0, count),
            "country": draw.choice(COUNTRIES, count).astype(object),
        }
    )
    frame.loc[draw.random(count) < 0.1, "spent"] = np.nan
    return frame


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a version is made of. Another seed is another model."""

    task: str
    kind: str = "binary"
    seed: int = 0
    features: tuple[tuple[str, str], ...] = FEATURES
    wrong_record: bool = False


def forge(home: Home, recipe: Recipe, frame: pd.DataFrame | None = None) -> Version:
    """Fit, write a version's files and register them, as training does."""
    frame = rows(400, recipe.seed) if frame is None else frame
    classes = NAMES[recipe.kind]
    codes = np.random.default_rng(recipe.seed).integers(0, len(classes), len(frame))
    with run(home, recipe.task, "forged", {}) as log:
        folder = home.root / "forge" / log.run_id / FOLDER
        folder.mkdir(parents=True)
        facts = write_facts(folder, recipe, frame, classes)
        write_booster(folder, facts, frame, codes, recipe)
        write_reference(folder, frame, [classes[code] for code in codes], recipe)
        model = CodeModel(
            name="model",
            code=Path(model_file.__file__),
            files=folder,
            signature=infer_signature(
                frame, pd.DataFrame({"probability": [0.5], "answer": ["no"]})
            ),
            example=frame.head(2),
            requirements=("mlflow", "lightgbm"),
        )
        uri = log.model(model, {})
    return Registry(home).register(recipe.task, uri, {})


def write_facts(
    folder: Path, recipe: Recipe, frame: pd.DataFrame, classes: tuple[str, ...]
) -> dict[str, object]:
    facts: dict[str, object] = {
        "task": recipe.task,
        "kind": recipe.kind,
        "algorithm": "lightgbm",
        "classes": classes,
        "features": recipe.features,
        "categories": {
            name: sorted(frame[name].dropna().unique())
            for name, kind in recipe.features
            if kind == "category"
        },
        "calibrator": {"method": "none"},
        "threshold": 0.5,
        "meanings": {"visits": {"words": "Visits", "unit": "times", "absent": "not known"}},
        "outcome": "risk",
    }
    (folder / "model.json").write_text(json.dumps(facts))
    return facts


def write_booster(
    folder: Path, facts: dict[str, object], frame: pd.DataFrame, codes: np.ndarray, recipe: Recipe
) -> None:
    encoder = model_file.Encoder(facts["features"], facts["categories"])
    objective = (
        {"objective": "binary"}
        if recipe.kind == "binary"
        else {"objective": "multiclass", "num_class": len(NAMES[recipe.kind])}
    )
    data = lightgbm.Dataset(encoder.matrix(frame), codes, params={"verbosity": -1})
    settings = {
        **objective,
        "num_threads": 1,
        "verbosity": -1,
        "seed": recipe.seed,
        "num_leaves": 7,
    }
    booster = lightgbm.train(settings, data, num_boost_round=20)
    booster.save_model(str(folder / FOREST))


def write_reference(folder: Path, frame: pd.DataFrame, labels: list[str], recipe: Recipe) -> None:
    scorer = Scorer.from_folder(folder)
    probabilities = scorer.score(frame)
    given = probabilities[:, 1] if recipe.kind == "binary" else probabilities.max(axis=1)
    frame.assign(
        customer_id=[f"c{i}" for i in range(len(frame))],
        event_timestamp=pd.Timestamp("2026-01-01", tz="UTC"),
        label=labels if recipe.kind == "multiclass" else [word == "yes" for word in labels],
        prediction=given + (0.25 if recipe.wrong_record else 0.0),
        answer=scorer.answers(probabilities),
    ).to_parquet(folder / "reference.parquet")
