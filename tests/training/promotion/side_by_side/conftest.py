"""Two versions in a home of their own: the trained one, and a lesser one made up from its files.

Nothing is trained here. The lesser has half of the first one's trees, says too much to everybody,
has another definition of one feature, and no run tells of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import pandas as pd
import pytest

from lifecycle.home import Home, open_home
from lifecycle.registry import Registry, folder_name
from lifecycle.version_files import FILES
from tests.training.conftest import CHURN, Trained
from training.model import FACTS, FOREST
from training.promotion.side_by_side.compare import compare_on
from training.promotion.side_by_side.recorded import Entrant, entrant
from training.promotion.side_by_side.values import Comparison

TODAY = {"n0": "new", "n1": "same"}


@dataclass(frozen=True)
class Two:
    """Version 1 has every tree, version 2 half of them."""

    home: Home
    frame: pd.DataFrame

    @property
    def entrants(self) -> tuple[Entrant, Entrant]:
        registry = Registry(self.home)
        return (
            entrant(registry, registry.version("churn", 1)),
            entrant(registry, registry.version("churn", 2)),
        )

    def today(self) -> tuple[pd.DataFrame, Mapping[str, str]]:
        return self.frame, TODAY


@pytest.fixture(scope="session")
def two(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Two:
    root = tmp_path_factory.mktemp("two") / "home"
    shutil.copytree(trained.home.root, root)
    home = open_home(root)
    registry = Registry(home)
    first = registry.version("churn", 1)
    whole = registry.folder(first)
    source = registry.client.get_model_version_download_uri("churn", "1")
    registry.client.create_model_version(
        "churn", source, tags={"verdict": "refuse", "verdict.at": "2025-05-01T00:00:00+00:00",
                               "verdict.by": "tester", "verdict.against": "1",
                               "verdict.why": "roc_auc is <b>lower</b>."},
    )  # fmt: skip
    registry.point("champion", first)
    registry.drop("challenger", "churn")
    lesser = whole.parent / folder_name(registry.version("churn", 2))
    shutil.copytree(whole, lesser)
    halve(lesser)
    return Two(home=home, frame=trained.frames["churn"])


def halve(folder: Path) -> None:
    """Half of the trees, probabilities that are too high, another threshold and definition."""
    forest, facts = folder / FILES / FOREST, folder / FILES / FACTS
    booster = lightgbm.Booster(model_file=str(forest))
    booster.save_model(str(forest), num_iteration=max(1, booster.num_trees() // 2))
    told = json.loads(facts.read_text())
    told |= {
        "calibrator": {"method": "scaling", "temperature": 2.0, "bias": [0.0, 2.0]},
        "definitions": {"n0": "old", "n1": "same"},
        "threshold": 0.25,
    }
    facts.write_text(json.dumps(told))


@pytest.fixture(scope="session")
def found(two: Two) -> Comparison:
    """The whole comparison, made once."""
    return compare_on(two.home, CHURN, 1, 2, two.today)
