"""Both boosters behind one shape: the saved file predicts what the fitted one did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.boosters import BOOSTERS, Rows, Settings, load_fitted, patience_for, prepare
from training.model import Encoder

ALGORITHMS = ("xgboost", "lightgbm")


def made(classes: int, seed: int = 0) -> tuple[Encoder, Rows, Rows]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(600, 4))
    matrix[:, 3] = rng.integers(0, 3, 600)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    score = np.nan_to_num(matrix[:, 0]) + 2 * (np.nan_to_num(matrix[:, 3]) == 1)
    labels = np.digitize(score + rng.normal(size=600), np.linspace(0, 2, classes - 1))
    features = [*((f"n{i}", "number") for i in range(3)), ("c", "category")]
    rows = [
        Rows(matrix=matrix[part], labels=labels[part]) for part in (slice(400), slice(400, None))
    ]
    return Encoder(features, {"c": ["a", "b", "c"]}), rows[0], rows[1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("classes", [2, 3])
def test_the_saved_file_predicts_the_same(algorithm: str, classes: int, tmp_path: Path) -> None:
    """What is read from disk is bit for bit what was fitted, stopped early or not."""
    encoder, rows, watched = made(classes)
    settings = Settings(classes=classes, bins=63, seed=1, rounds=80, patience=10)
    for watch in (watched, None):
        fitted = prepare(algorithm, encoder, rows, watch, settings).fit(  # type: ignore[arg-type]
            {"learning_rate": 0.2}, settings
        )
        fitted.save(tmp_path)
        again = load_fitted(algorithm, tmp_path, fitted.rounds, encoder)  # type: ignore[arg-type]
        assert again is not None
        np.testing.assert_array_equal(fitted.predict(watched.matrix), again.predict(watched.matrix))
        assert fitted.predict(watched.matrix).shape == (200, classes)
        assert fitted.importance().shape == (4,)
        assert fitted.importance()[0] > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_early_stopping_stops(algorithm: str) -> None:
    """A fast learner ends long before its last round."""
    encoder, rows, watched = made(2)
    settings = Settings(classes=2, bins=63, seed=1, rounds=500, patience=patience_for(0.5))
    fitted = prepare(algorithm, encoder, rows, watched, settings).fit(  # type: ignore[arg-type]
        {"learning_rate": 0.5}, settings
    )
    assert 1 <= fitted.rounds < 200


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_early_stopping_waited_for_is_no_part_of_it(algorithm: str, tmp_path: Path) -> None:
    """Stopped early or fitted for so many rounds: the same gains; a file of fewer is none."""
    encoder, rows, watched = made(2)
    settings = Settings(classes=2, bins=63, seed=1, rounds=200, patience=10)
    stopped = prepare(algorithm, encoder, rows, watched, settings).fit({}, settings)  # type: ignore[arg-type]
    exact = replace(settings, rounds=stopped.rounds)
    again = prepare(algorithm, encoder, rows, None, exact).fit({}, exact)  # type: ignore[arg-type]
    np.testing.assert_array_equal(stopped.importance(), again.importance())
    again.save(tmp_path)
    assert load_fitted(algorithm, tmp_path, again.rounds + 1, encoder) is None  # type: ignore[arg-type]


def test_xgboosts_fast_path_is_its_slow_one(tmp_path: Path) -> None:
    """`inplace_predict` on plain numbers reads categories and gaps as a typed matrix does."""
    import xgboost  # noqa: PLC0415  # only this test needs it

    encoder, rows, watched = made(2)
    settings = Settings(classes=2, bins=63, seed=1, rounds=40)
    fitted = prepare("xgboost", encoder, rows, None, settings).fit({}, settings)
    fitted.save(tmp_path)
    booster = xgboost.Booster(model_file=tmp_path / BOOSTERS["xgboost"])
    typed = xgboost.DMatrix(
        watched.matrix, feature_types=["q", "q", "q", "c"], enable_categorical=True
    )
    np.testing.assert_array_equal(
        booster.predict(typed).astype(np.float64), fitted.predict(watched.matrix)[:, 1]
    )


def test_a_booster_that_is_not_there_or_broken_is_none(tmp_path: Path) -> None:
    """A kept booster saves a fit; without one, or with half a file, the fit is made."""
    encoder, _, _ = made(2)
    for algorithm in ALGORITHMS:
        assert load_fitted(algorithm, tmp_path, 3, encoder) is None  # type: ignore[arg-type]
        (tmp_path / BOOSTERS[algorithm]).write_text("half a fi")  # type: ignore[index]
        assert load_fitted(algorithm, tmp_path, 3, encoder) is None  # type: ignore[arg-type]
