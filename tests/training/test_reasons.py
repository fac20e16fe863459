"""What a scorer says of its own answers: contributions that add up, and reasons in words."""

from __future__ import annotations

import json
import math
from itertools import pairwise, permutations
from math import factorial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.version_files import FILES
from tests.training.conftest import Trained
from tests.training.explained import FEATURES, scorer, table
from training.model import ForestModel, Scorer, spoken

STRAIGHT = (
    {"method": "none"},
    {"method": "scaling", "temperature": 1.7, "bias": [0.0, -0.4, 0.3]},
    {"method": "prior", "temperature": 1.0, "bias": [0.1, 0.9, -0.2]},
)
BENT = (
    {"method": "isotonic", "curves": [{"x": [0.1, 0.6], "y": [0.2, 0.7]}]},
    {"method": "beta", "a": 1.3, "b": 0.7, "c": -0.2},
)


def for_classes(calibrator: dict[str, Any], classes: int) -> dict[str, Any]:
    if "bias" not in calibrator:
        return calibrator
    return calibrator | {"bias": calibrator["bias"][:classes]}


@pytest.mark.parametrize("calibrator", STRAIGHT, ids=lambda c: c["method"])
def test_contributions_add_up_to_the_calibrated_log_odds(
    calibrator: dict[str, Any], tmp_path: Path
) -> None:
    """Base and features are the answer's log-odds to the last digits, for every row."""
    model = scorer(tmp_path, for_classes(calibrator, 2))
    x = table(200, seed=5)[0]
    p = model.score_matrix(x)
    found = model.contributions(x)
    assert found.shape == (200, len(FEATURES) + 1)
    np.testing.assert_allclose(found.sum(axis=1), np.log(p[:, 1] / p[:, 0]), atol=1e-9)
    assert np.ptp(found[:, -1]) < 1e-12


@pytest.mark.parametrize("calibrator", STRAIGHT, ids=lambda c: c["method"])
def test_contributions_of_several_classes_add_up(
    calibrator: dict[str, Any], tmp_path: Path
) -> None:
    """Each class's sum is its log-probability less the mean over classes; features sum to 0."""
    model = scorer(tmp_path, for_classes(calibrator, 3), classes=3)
    x = table(100, classes=3, seed=5)[0]
    logs = np.log(model.score_matrix(x))
    found = model.contributions(x)
    assert found.shape == (100, 3, len(FEATURES) + 1)
    wanted = logs - logs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.sum(axis=2), wanted, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-9)


@pytest.mark.parametrize("calibrator", BENT, ids=lambda c: c["method"])
def test_where_calibration_bends_they_are_of_what_it_was_given(
    calibrator: dict[str, Any], tmp_path: Path
) -> None:
    """No factor carries a curve: contributions are those of the uncalibrated model."""
    x = table(50)[0]
    bent, plain = scorer(tmp_path, calibrator), scorer(tmp_path)
    np.testing.assert_array_equal(bent.contributions(x), plain.contributions(x))


def test_contributions_are_shapley_values_by_brute_force(tmp_path: Path) -> None:
    """Of one shallow tree: the mean, over all orders of coming to know features, of what each adds.

    What is not known yet is averaged over the tree's branches by its rows (Lundberg et al. 2020).
    """
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 3))
    y = x[:, 0] * (x[:, 1] > 0) + 0.5 * x[:, 2]
    params = {"objective": "regression", "num_leaves": 6, "num_threads": 1, "verbosity": -1}
    fitted = lgb.train(params, lgb.Dataset(x, y), num_boost_round=1)
    path = tmp_path / "one.txt"
    fitted.save_model(path)
    tree = fitted.dump_model()["tree_info"][0]["tree_structure"]
    for row in x[:5]:
        found = ForestModel(path).contributions(row[None])[0, 0]
        np.testing.assert_allclose(found[:-1], shapley(tree, row), atol=1e-9)
        assert found[-1] == pytest.approx(expected(tree, row, frozenset()))


def shapley(tree: dict[str, Any], row: np.ndarray) -> np.ndarray:
    values = np.zeros(len(row))
    for order in permutations(range(len(row))):
        known = [frozenset(order[:i]) for i in range(len(row) + 1)]
        for feature, (before, after) in zip(order, pairwise(known), strict=True):
            values[feature] += expected(tree, row, after) - expected(tree, row, before)
    return values / factorial(len(row))


def expected(node: dict[str, Any], row: np.ndarray, known: frozenset[int]) -> float:
    """The tree's mean answer where only some features are known."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    sides = [node["left_child"], node["right_child"]]
    if node["split_feature"] in known:
        return expected(sides[int(row[node["split_feature"]] > node["threshold"])], row, known)
    rows = [side.get("internal_count", side.get("leaf_count")) for side in sides]
    means = [expected(side, row, known) for side in sides]
    return float(np.average(means, weights=rows))


def test_reasons_are_the_strongest_first_and_say_so_in_words(tmp_path: Path) -> None:
    """Feature, value, direction and one sentence; noise is none of the reasons."""
    model = scorer(tmp_path)
    row = {"quiet_days": 40, "logins": 0, "noise": 0.0, "plan": "free"}
    (reasons,) = model.reasons([row])
    sizes = [abs(one["contribution"]) for one in reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert {one["feature"] for one in reasons} == {"quiet_days", "logins", "plan"}
    assert {one["direction"] for one in reasons} == {"raises"}
    assert reasons[0]["words"] == "Time since the last login: 40 days (raises the risk)"
    assert reasons[0]["value"] == 40.0


def test_a_gap_is_said_as_what_it_means(tmp_path: Path) -> None:
    """Missing, infinite and unreadable values are None and have words; strangers are named."""
    model = scorer(tmp_path)
    told = {
        one["feature"]: one
        for one in model.reasons([{"quiet_days": None, "logins": math.inf, "plan": "gold"}], 4)[0]
    }
    assert told["quiet_days"]["value"] is None
    assert told["quiet_days"]["words"].startswith("Time since the last login: never (")
    assert told["logins"]["value"] is None
    assert told["logins"]["words"].startswith("Logins: not known (")
    assert told["plan"]["value"] == "gold"
    assert told["plan"]["words"].startswith("Plan: gold (")


def test_reasons_of_several_classes_are_for_the_likeliest(tmp_path: Path) -> None:
    """The words name the class that is answered."""
    model = scorer(tmp_path, classes=3)
    rows = [{"quiet_days": 40, "logins": 0, "plan": "free"}, {"quiet_days": 0, "logins": 9}]
    answers = model.answers(model.score_rows(rows))
    assert answers == ["class2", "class0"]
    for answer, reasons in zip(answers, model.reasons(rows, 2), strict=True):
        assert len(reasons) == 2
        assert all(one["words"].endswith(f"s the chance of {answer})") for one in reasons)


def test_a_version_without_meanings_names_its_features(tmp_path: Path) -> None:
    """Versions of before meanings were kept give reasons too."""
    model = scorer(tmp_path)
    bare = Scorer({k: v for k, v in model.facts.items() if k not in {"meanings", "outcome"}},
                  model.engine)  # fmt: skip
    words = bare.reasons([{"quiet_days": 40}], 1)[0][0]["words"]
    assert words == "quiet_days: 40 (raises the chance)"


def test_no_rows_have_no_reasons(tmp_path: Path) -> None:
    """An empty question has an empty answer, and k = 0 asks for nothing."""
    model = scorer(tmp_path)
    assert model.reasons([]) == []
    assert model.reasons([{}], 0) == [[]]


@pytest.mark.parametrize("task", ["churn", "preference"])
def test_a_trained_version_explains_itself(task: str, trained: Trained) -> None:
    """Whatever boosters it was made of, contributions add up; a drop-off is called a risk."""
    model = Scorer.from_folder(trained.folder(task) / FILES)
    rows = trained.frames[task].head(40)
    logs = np.log(model.score(rows))
    found = model.contributions(model.encoder.matrix(rows))
    if model.calibrator["method"] in {"none", "scaling", "prior"}:
        sums = found.sum(axis=-1)
        wanted = logs[:, 1] - logs[:, 0] if task == "churn" else centre(logs)
        np.testing.assert_allclose(sums, wanted, atol=1e-6)
    assert model.facts["outcome"] == ("risk" if task == "churn" else "chance")
    names = [name for name, _ in model.features]
    records = rows[names].astype(object).where(rows[names].notna(), None).to_dict("records")
    assert all(reasons for reasons in model.reasons(records))


def centre(values: Any) -> Any:
    return values - values.mean(axis=1, keepdims=True)


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return scorer(tmp_path_factory.mktemp("small"), rounds=2)


@settings(max_examples=60, deadline=None)
@given(row=st.dictionaries(st.sampled_from([name for name, _ in FEATURES]), CELLS))
def test_whatever_is_asked_reasons_are_json(small: Scorer, row: dict[str, Any]) -> None:
    """No value, however odd, makes a reason that cannot be sent."""
    text = json.dumps(small.reasons([row], 9), allow_nan=False)
    assert len(json.loads(text)[0]) <= len(FEATURES)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (12.0, "days", "12 days"),
        (1.0, "days", "1 day"),
        (1.0, "events a day", "1 event a day"),
        (0.25, "share", "25%"),
        (1.0, "flag", "yes"),
        (0.0, "flag", "no"),
        (12.3456, "minutes", "12.35 minutes"),
        (12345.0, "", "12,340"),
        (-0.0, "", "0"),
        (1e300, "", "1e+300"),
        ("pro", "", "pro"),
        (None, "days", "never"),
    ],
)
def test_values_are_written_for_people(value: Any, unit: str, words: str) -> None:
    """Four digits that matter, one of a thing in the singular, shares in per cent."""
    assert spoken(value, {"unit": unit, "absent": "never"}) == words
