"""The search is one study: the same again by seed, resumed after a kill, blind to the answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifecycle.errors import Busy, DataError
from lifecycle.lock import held
from lifecycle.metrics import metric
from lifecycle.space import Choice, Search
from tests.training.conftest import CHURN, SEARCH, make_frame, make_set
from training.balancing.balance import Balance
from training.boosters import Settings
from training.folds import FoldCache, Problem, watched_weights
from training.parts import prepare_parts
from training.search.search import Found, Plan, open_study, search
from training.splits import folds


def make_problem(signal: float = 1.5, customers: int = 300) -> Problem:
    frame = make_frame(customers, signal=signal)
    prepared = prepare_parts(CHURN, make_set(frame))
    rows = frame.iloc[prepared.train.positions]
    return Problem(
        encoder=prepared.encoder, matrix=prepared.train.matrix, labels=prepared.train.labels,
        folds=folds(rows, 2), settings=Settings(classes=2, bins=63, seed=0, rounds=60),
    )  # fmt: skip


def make_plan(journal: Path, trials: int = 5, space: Search = SEARCH) -> Plan:
    return Plan(
        name="churn-x", journal=journal, kind="binary", metric="log_loss", search=space, seed=3,
        trials=trials,
    )  # fmt: skip


def told(found: Found) -> list[tuple[object, ...]]:
    return [
        (t.params, t.state, t.value if t.state.name == "COMPLETE" else None) for t in found.trials
    ]


def test_the_same_seed_is_the_same_search(tmp_path: Path) -> None:
    """Two searches draw the same trials with the same scores; another seed does not."""
    problem = make_problem()
    one = search(problem, make_plan(tmp_path / "one"))
    two = search(problem, make_plan(tmp_path / "two"))
    other = search(problem, replace(make_plan(tmp_path / "other"), seed=4))
    assert told(one) == told(two)
    assert one.ranked == two.ranked
    assert told(one) != told(other)


def test_a_finished_study_is_not_searched_again(tmp_path: Path) -> None:
    """Asking for the same trials again adds none; asking for more adds only those."""
    problem, plan = make_problem(), make_plan(tmp_path / "study")
    first = search(problem, plan)
    assert told(search(problem, plan)) == told(first)
    more = search(problem, replace(plan, trials=7))
    assert told(more)[:5] == told(first)
    assert len(more.trials) == 7


def test_a_longer_search_of_earlier_changes_no_choice(tmp_path: Path) -> None:
    """Few trials choose from those few, though the journal holds more: same seed, same model."""
    problem, plan = make_problem(), make_plan(tmp_path / "study", trials=3)
    alone = search(problem, replace(plan, journal=tmp_path / "alone"))
    search(problem, replace(plan, trials=8))
    again = search(problem, plan)
    assert told(again) == told(alone)
    assert (again.ranked, again.value, again.counts) == (alone.ranked, alone.value, alone.counts)


def test_a_study_has_one_process(tmp_path: Path) -> None:
    """While a neighbour runs the study its trials are left alone, and the second is told so."""
    plan = make_plan(tmp_path / "study")
    study = open_study(plan)
    running = study.ask()
    words = r"This very search is under way already.*study\.held"
    with held(tmp_path / "study.held", "It"), pytest.raises(Busy, match=words):
        search(make_problem(), plan)
    assert study.trials[running.number].state.name == "RUNNING"


def test_both_boosters_are_tried_first(tmp_path: Path) -> None:
    """The study starts from a known good point of each booster, without balancing."""
    found = search(make_problem(), make_plan(tmp_path / "study", trials=2))
    assert [t.params["algorithm"] for t in found.trials] == ["lightgbm", "xgboost"]
    assert {t.params["balancing"] for t in found.trials} == {"none"}


def test_time_ends_a_search_but_never_before_its_first_trial(tmp_path: Path) -> None:
    """With no time at all there is still one trial to choose."""
    plan = replace(make_plan(tmp_path / "study", trials=50), seconds=0.0)
    assert len(search(make_problem(), plan).trials) == 1


KILLED = """
    import sys
    from pathlib import Path
    from tests.training.search.test_search import make_plan, make_problem
    from training.search.search import search
    search(make_problem(), make_plan(Path(sys.argv[1]), trials=60))
"""


def trials_in(journal: Path) -> int:
    """How many trials the journal has seen created."""
    written = journal.read_bytes() if journal.exists() else b""
    return written.count(b'"op_code":4')


def test_a_killed_search_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After kill -9 the study ends with the very trials of a search that was never killed."""
    journal = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), str(journal)])
    deadline = time.monotonic() + 60
    while trials_in(journal) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    trials = trials_in(journal) + 2
    assert trials < 50
    resumed = search(make_problem(), make_plan(journal, trials=trials))
    whole = search(make_problem(), make_plan(tmp_path / "whole", trials=trials))
    assert told(resumed) == told(whole)
    assert resumed.ranked == whole.ranked


def test_a_shuffled_label_is_at_chance(tmp_path: Path) -> None:
    """When labels are noise, no resampling or search finds anything out of fold."""
    problem = make_problem(customers=900)
    shuffled = np.random.default_rng(0).permutation(problem.labels)
    found = search(
        replace(problem, labels=shuffled),
        replace(make_plan(tmp_path / "study", trials=6), metric="roc_auc"),
    )
    assert 0.42 < found.value < 0.58


@pytest.mark.parametrize("method", ["smote", "smotenc"])
def test_synthetic_rows_come_from_the_training_fold_only(method: str) -> None:
    """Changing every validation row changes no row that the fold is fitted on."""
    problem = make_problem()
    fit, validate = problem.folds[0]
    poisoned = problem.matrix.copy()
    poisoned[validate, :5] = 1e6
    balance = Balance(method=method)  # type: ignore[arg-type]
    clean = FoldCache(problem).balanced(0, balance)
    other = FoldCache(replace(problem, matrix=poisoned)).balanced(0, balance)
    assert clean.synthetic > 0
    np.testing.assert_array_equal(clean.matrix, other.matrix)
    assert np.nanmax(clean.matrix[:, :5]) <= np.nanmax(problem.matrix[fit][:, :5]) + 1e-9


def test_folds_are_balanced_and_binned_once() -> None:
    """A second trial with the same balancing gets the same prepared rows."""
    cache = FoldCache(make_problem())
    balance = Balance(method="smote")
    assert cache.prepared(0, balance, "lightgbm") is cache.prepared(0, balance, "lightgbm")
    assert cache.balanced(0, balance) is cache.balanced(0, balance)


def test_watched_rows_weigh_as_the_fitted_classes() -> None:
    """Early stopping sees the class shares that the booster is fitted on."""
    problem = make_problem()
    balanced = FoldCache(problem).balanced(0, Balance(method="smote", ratio=1.0))
    labels = problem.labels[problem.folds[0][1]]
    weights = watched_weights(balanced, labels)
    assert weights is not None
    assert np.bincount(labels, weights) == pytest.approx([len(labels) / 2] * 2)


def test_a_search_space_that_no_booster_takes_says_so(tmp_path: Path) -> None:
    """When every trial fails, the booster's own words are in the error."""
    broken = replace(SEARCH, spaces={"xgboost": {"max_depth": Choice((-3,))}}, balancing=("none",))
    with pytest.raises(DataError, match=r"No trial .*-3"):
        search(make_problem(), make_plan(tmp_path / "study", trials=2, space=broken))


def test_the_value_is_the_mean_over_folds(tmp_path: Path) -> None:
    """What is optimised is the mean of the folds' scores, in the task's own metric."""
    found = search(make_problem(), make_plan(tmp_path / "study", trials=1))
    assert found.value == pytest.approx(np.mean(found.trials[0].user_attrs["scores"]))
    assert metric("binary", "log_loss", [0, 1], [0.5, 0.5]) > found.value
