"""The ablation is out of fold, measured as everywhere else, and its words follow its numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lifecycle.metrics import metric
from lifecycle.task import Kind
from training.balancing import methods
from training.balancing.ablation import ablation_section
from training.balancing.balance import Balance
from training.balancing.methods import ablate, balance_for, scaled_by_others, validated_rows
from training.balancing.verdict import grounds
from training.boosters import Settings
from training.folds import Problem
from training.model import Encoder
from training.report.section import Section
from training.search.plan import Candidate

CANDIDATE = Candidate(
    algorithm="lightgbm", params={"learning_rate": 0.2, "num_leaves": 7}, balance=Balance()
)


def make_problem(kind: Kind, *, categories: bool = True, folds: int = 2) -> Problem:
    """Rare classes with a known signal, two rows an entity."""
    rng = np.random.default_rng(0)
    n = 500
    matrix = np.column_stack([rng.normal(size=(n, 3)), rng.integers(0, 3, n)])
    matrix[rng.random(n) < 0.1, 1] = np.nan
    push = 1.5 * matrix[:, 0] + (matrix[:, 3] == 1)
    labels = (push + rng.logistic(size=n) > 2.2).astype(np.int64)
    if kind == "multiclass":
        labels += (rng.random(n) < 0.2) & (labels == 0) * 2
    plan = ("c", "category") if categories else ("c", "number")
    encoder = Encoder([("a", "number"), ("b", "number"), ("d", "number"), plan],
                      {"c": ("x", "y", "z")} if categories else {})  # fmt: skip
    edges = np.linspace(200, n, folds + 1).astype(int)
    cuts = tuple((np.arange(start), np.arange(start, end)) for start, end in pairwise(edges))
    settings = Settings(classes=int(labels.max()) + 1, bins=31, seed=1, rounds=8)
    return Problem(encoder=encoder, matrix=matrix, labels=labels, folds=cuts, settings=settings)


ENTITIES = np.repeat(np.arange(250), 2).astype(object)


@pytest.fixture(scope="module")
def section() -> Section:
    return ablation_section("binary", make_problem("binary"), CANDIDATE, ENTITIES, 0)


def test_every_method_is_measured_before_and_after_calibration(section: Section) -> None:
    """Six methods, two stages; the numbers are lifecycle's on the validation rows."""
    problem = make_problem("binary")
    found = ablate("binary", problem, CANDIDATE, ENTITIES, 0)
    assert found.sampled == 1
    assert "a sample of 25%" in grounds(replace(found, sampled=0.25))
    assert list(found.tried) == list(methods.METHODS)
    rows = section.tables["methods"].rows
    assert [row[2] for row in rows] == ["no", "yes"] * 6
    labels = problem.labels[200:]
    assert np.array_equal(found.labels, labels)
    for method, tried in found.tried.items():
        for name in ("roc_auc", "pr_auc", "log_loss", "brier", "ece"):
            wanted = metric("binary", name, labels, tried.calibrated)
            assert section.metrics[f"{method}.{name}"] == pytest.approx(wanted)
        if method != "none":
            gap = section.metrics[f"{method}.log_loss"] - section.metrics["none.log_loss"]
            assert section.metrics[f"{method}.log_loss_difference"] == pytest.approx(gap)
    told = section.tables["differences_to_none"].rows
    assert len(told) == 5 * 2 * 5
    for *_, value, low, high, reading in told:
        assert low <= value <= high
        assert (reading == "same") == (low <= 0 <= high)
    assert [name for name, _ in section.figures] == ["differences"]


def test_calibration_repairs_what_balancing_does_to_probabilities(section: Section) -> None:
    """Raw, under-sampling is far off the true shares; calibrated, most of that is gone."""
    raw, repaired = section.metrics["under.raw_ece"], section.metrics["under.ece"]
    assert repaired < raw / 2
    assert "calibration takes" in section.words


@pytest.mark.parametrize("folds", [1, 2])
def test_no_row_is_calibrated_by_its_own_label(folds: int) -> None:
    """Other labels in one part change nothing in that part; entities lie in one part each."""
    problem = make_problem("binary", folds=folds)
    validated = validated_rows(problem, ENTITIES, 0)
    labels = problem.labels[validated.rows]
    raw = np.random.default_rng(0).dirichlet([2, 1], len(labels))
    scaled = scaled_by_others(raw, labels, validated.parts)
    inside = validated.parts == 0
    poisoned = np.where(inside, 1 - labels, labels)
    other = scaled_by_others(raw, poisoned, validated.parts)
    assert np.array_equal(scaled[inside], other[inside])
    assert not np.allclose(scaled[~inside], other[~inside])
    assert len(np.unique(validated.parts)) == 2
    if folds == 1:
        owners = ENTITIES[validated.rows]
        assert all(len(set(validated.parts[owners == one])) == 1 for one in owners)


def test_more_classes_and_no_categories() -> None:
    """SMOTENC is left out where there is nothing nominal, and the metrics are the kind's."""
    problem = make_problem("multiclass", categories=False)
    section = ablation_section("multiclass", problem, CANDIDATE, ENTITIES, 0)
    names = {row[0] for row in section.tables["methods"].rows}
    assert "SMOTE" in names
    assert "SMOTENC" not in names
    assert section.tables["methods"].columns[3:8] == (
        "log_loss", "accuracy", "macro_f1", "top2", "ece"
    )  # fmt: skip


def test_the_same_seed_says_the_same(section: Section) -> None:
    """An ablation is repeatable word for word and number for number."""
    again = ablation_section("binary", make_problem("binary"), CANDIDATE, ENTITIES, 0)
    assert section.words == again.words
    assert section.metrics == again.metrics
    assert section.tables == again.tables


def test_methods_differ_in_nothing_but_the_method() -> None:
    """A resampled candidate's k and ratio go to all; else they are imbalanced-learn's."""
    chosen = replace(CANDIDATE, balance=Balance(method="smotenc", k_neighbors=9, ratio=0.4))
    assert balance_for("smote", chosen) == Balance(method="smote", k_neighbors=9, ratio=0.4)
    assert balance_for("under", chosen) == Balance(method="under", ratio=0.4)
    assert balance_for("none", chosen) == Balance()
    assert balance_for("borderline", CANDIDATE) == Balance(method="borderline")
