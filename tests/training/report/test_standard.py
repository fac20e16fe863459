"""Every training says how good it is, how it was found and what to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from optuna.trial import TrialState, create_trial

from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget, Built, build
from training.record import nested
from training.report.standard import facts_of, score_of, sections_of, warnings_of


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    place = tmp_path_factory.mktemp("standard")
    folder = place / "version"
    folder.mkdir()
    effort = Budget(trials=2, report=False)
    return build(CHURN, make_set(make_frame(200)), effort, folder, place / "studies")


def test_the_page_begins_with_quality(built: Built) -> None:
    """The model stands beside its baselines on the same rows, by every metric."""
    first, *_, search, features = sections_of(CHURN, built)
    assert (first.name, search.name, features.name) == ("test", "search", "features")
    table = first.tables["metrics"]
    assert table.columns[:3] == ("metric", "better is", "this model")
    assert {str(row[0]): row[2] for row in table.rows} == dict(built.metrics)
    assert "log_loss" in first.words
    assert f"{len(built.prepared.test.labels):,} later rows" in first.words


def test_trials_are_told_best_first(built: Built) -> None:
    """With the score, the choice and the time of each."""
    search = next(one for one in sections_of(CHURN, built) if one.name == "search")
    rows = search.tables["best trials"].rows
    scores = [float(row[2] or 0) for row in rows]
    assert scores == sorted(scores)
    assert len(rows) == 2
    assert {row[4] for row in rows} <= {"lightgbm", "xgboost"}


def test_a_pruned_trial_has_no_score() -> None:
    """It was measured on the first folds, which may be easy: it must not look like the best."""
    pruned = create_trial(state=TrialState.PRUNED, value=0.1, user_attrs={"scores": [0.1]})
    assert score_of(pruned) is None
    assert nested(pruned, CHURN).metrics == {"fold_0": 0.1}
    assert score_of(create_trial(value=0.4)) == 0.4


def test_a_model_that_a_baseline_beats_is_warned_of(built: Built) -> None:
    """In words, with both numbers; an equal or worse baseline is not."""
    own = built.metrics["log_loss"]
    better = {"prior": {"log_loss": own - 0.1}, "logistic_regression": {"log_loss": own}}
    (warning,) = warnings_of(CHURN, replace(built, baselines=better))
    assert warning == (
        f"Prior is better on the test rows: log_loss {own - 0.1:.4f}, this model {own:.4f}."
    )
    assert warnings_of(CHURN, replace(built, baselines={"prior": {"log_loss": np.nan}})) == ()


def test_the_facts_say_which_rows_and_which_seed(built: Built) -> None:
    """Enough to know the training again."""
    facts = facts_of(CHURN, built)
    assert facts["Question"] == "Gone?"
    assert facts["Seed"] == 0
    assert facts["Data fingerprint"] == built.prepared.data.fingerprint
    assert "test 132" in str(facts["Rows"])
