"""A comparison is of the rows that neither has seen, and its numbers are those of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from lifecycle.errors import DataError, NotReady, UnknownName, UsageError
from lifecycle.metrics import METRICS, metric
from lifecycle.registry import Registry
from lifecycle.row_keys import count_seen, row_keys
from lifecycle.version_files import FILES
from tests.training.conftest import CHURN, PREFERENCE
from tests.training.promotion.side_by_side.conftest import Two
from training.model import FOREST
from training.promotion.side_by_side.common import Common, NoRows, common_rows
from training.promotion.side_by_side.compare import compare_on
from training.promotion.side_by_side.values import Comparison

SKLEARN = {
    "roc_auc": roc_auc_score,
    "pr_auc": average_precision_score,
    "log_loss": log_loss,
    "brier": brier_score_loss,
}


@pytest.fixture(scope="module")
def common(two: Two) -> Common:
    one, other = two.entrants
    rows = common_rows(CHURN, two.frame, one.contender, other.contender, {})
    assert isinstance(rows, Common)
    return rows


def test_the_rows_are_those_that_neither_has_seen(
    two: Two, common: Common, found: Comparison
) -> None:
    """Not one row is among the keys of either, and all of them come after both."""
    assert found.same_rows is not None
    keys = row_keys(common.frame)
    assert count_seen(keys, *(one.contender.keys for one in two.entrants)) == 0
    assert found.same_rows.rows == len(keys) > 100
    assert found.same_rows.customers == common.frame["customer_id"].nunique()
    known_until = pd.Timestamp(found.first.labels_known_until)
    assert (common.frame["event_timestamp"] >= known_until).all()


@pytest.mark.parametrize("name", SKLEARN)
def test_numbers_are_those_of_scikit_learn(common: Common, found: Comparison, name: str) -> None:
    """Each metric of each version, measured by somebody else on the same rows."""
    assert found.same_rows is not None
    (row,) = [one for one in found.same_rows.metrics if one.metric == name]
    truth = common.pair.labels
    first, second = (
        SKLEARN[name](truth, p[:, 1]) for p in (common.pair.champion, common.pair.challenger)
    )
    assert row.first == pytest.approx(first, abs=1e-9)
    assert row.second == pytest.approx(second, abs=1e-9)
    assert row.difference.value == pytest.approx(second - first, abs=1e-9)
    assert first != second


def test_intervals_are_those_of_a_bootstrap_by_customer(common: Common, found: Comparison) -> None:
    """Customers drawn anew, both versions on the same draw, give the intervals' widths."""
    assert found.same_rows is not None
    codes, names = pd.factorize(common.pair.customers)
    of_customer = [np.flatnonzero(codes == place) for place in range(len(names))]
    rng = np.random.default_rng(1)
    gaps: dict[str, list[float]] = {"roc_auc": [], "log_loss": [], "brier": []}
    for _ in range(400):
        rows = np.concatenate([of_customer[i] for i in rng.integers(len(names), size=len(names))])
        for name, drawn in gaps.items():
            one, other = (
                metric("binary", name, common.pair.labels[rows], p[rows])
                for p in (common.pair.champion, common.pair.challenger)
            )
            drawn.append(other - one)
    measured = {row.metric: row.difference for row in found.same_rows.metrics}
    for name, drawn in gaps.items():
        low, high = np.quantile(drawn, [0.025, 0.975])
        ours = measured[name]
        assert ours.high - ours.low == pytest.approx(high - low, rel=0.2)
        assert ours.low <= ours.value <= ours.high


def test_every_metric_of_the_kind_is_there(found: Comparison) -> None:
    """Nothing that the task's kind can measure is left out, and who is better follows the sign."""
    assert found.same_rows is not None
    told = [one.metric for one in found.same_rows.metrics]
    assert told == [name for name in METRICS["binary"] if name != "log_loss_skill"]
    for one in found.same_rows.metrics:
        apart = one.difference.low > 0 or one.difference.high < 0
        assert (one.better is not None) == apart
        if one.better is not None:
            second_is = (one.difference.value > 0) == one.higher_is_better
            assert one.better == (2 if second_is else 1)
    assert any(one.better == 1 for one in found.same_rows.metrics)  # 2 says too much


def test_named_the_other_way_round_the_signs_turn(two: Two, found: Comparison) -> None:
    """9 beside 7 says what 7 beside 9 says."""
    other = compare_on(two.home, CHURN, 2, 1, two.today)
    assert found.same_rows is not None
    assert other.same_rows is not None
    for here, there in zip(found.same_rows.metrics, other.same_rows.metrics, strict=True):
        assert (here.first, here.second) == (there.second, there.first)
        assert here.difference.value == pytest.approx(-there.difference.value)
        assert here.better == there.better
    assert other.features.redefined == found.features.redefined
    assert [curve.version for curve in other.calibration] == [2, 1]


def test_what_the_reader_must_know_is_noted(found: Comparison) -> None:
    """A feature that means something else today is measured on today's, and that is said."""
    (note,) = [one for one in found.notes if "definitions" in one]
    assert note.startswith("Version 2 learned other definitions than today's of n0;")


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (lambda frame: frame.iloc[:300], "No labelled row comes after both versions."),
        (lambda frame: frame.drop(columns=["n0"]), "version 1 needs n0; version 2 needs n0"),
    ],
    ids=["nothing later", "a feature is gone"],
)
def test_without_such_rows_it_says_so(
    two: Two, frame: Callable[[pd.DataFrame], pd.DataFrame], problem: str
) -> None:
    """What was recorded is still told, and told apart as numbers of two exams."""
    rows = frame(two.frame)
    found = compare_on(two.home, CHURN, 1, 2, lambda: (rows, {}))
    assert found.same_rows is None
    assert problem in found.problem
    assert found.first.metrics["roc_auc"] == found.second.metrics["roc_auc"]
    assert not found.same_test_rows
    assert {curve.on for curve in found.calibration} == {"a sample of its own test rows"}


def test_a_row_that_one_of_them_knows_stops_the_comparison(two: Two) -> None:
    """An overlap is not left out in silence: the gate would not judge on it either."""
    one, other = two.entrants
    last = replace(other.contender, keys=row_keys(two.frame.iloc[-3:]))
    said = common_rows(CHURN, two.frame, one.contender, last, {})
    assert isinstance(said, NoRows)
    assert "3 of" in said.problem
    assert "were in a training or calibration set" in said.problem


def test_rows_that_cannot_be_had_leave_what_was_recorded(two: Two) -> None:
    """A store that is not ready costs the same rows and nothing else."""

    def broken() -> tuple[pd.DataFrame, dict[str, str]]:
        raise NotReady("No features.", do="Run `onramp features`.")

    found = compare_on(two.home, CHURN, 1, 2, broken)
    assert found.problem == "Today's rows cannot be had: No features. Run `onramp features`."
    assert found.importances.features


def test_few_rows_are_compared_and_said_to_be_few(two: Two) -> None:
    """Below what the gate asks, numbers are shown with a warning."""
    one, other = two.entrants
    said = common_rows(CHURN, two.frame.iloc[-60:], one.contender, other.contender, {})
    assert isinstance(said, Common)
    assert any(note.startswith("Only 60 rows neither has seen") for note in said.notes)


def test_a_class_that_one_never_learned_gets_no_chance(two: Two) -> None:
    """It counts against that version, and the note says why."""
    one, other = two.entrants
    facts = {**other.facts, "classes": ["no", "perhaps"]}
    strange = replace(other.contender, scorer=type(other.scorer)(facts, other.scorer.engine))
    frame = two.frame.assign(label=np.where(two.frame["label"], "yes", "no"))
    said = common_rows(CHURN, frame, one.contender, strange, {})
    assert isinstance(said, Common)
    assert said.classes == ("no", "yes", "perhaps")
    assert (said.pair.challenger[:, 1] == 0).all()
    assert any(note.startswith("Version 2 never learned yes (") for note in said.notes)


def test_a_version_beside_itself_is_refused(two: Two) -> None:
    """It would show that nothing differs; the error says what to name instead."""
    with pytest.raises(UsageError, match=r"Version 2 of churn cannot be compared with itself.*1 2"):
        compare_on(two.home, CHURN, 2, 2, two.today)


@pytest.mark.parametrize(
    ("first", "second", "given", "words"),
    [
        (1, 9, {}, "version of churn named '9'"),
        (9, 1, {}, "version of churn named '9'"),
        (1, 2, {"metric": "f1"}, "metric of a binary task named 'f1'"),
        (1, 2, {"by": ("country",)}, "feature named 'country'"),
    ],
)
def test_what_nobody_knows_is_named(
    two: Two, first: int, second: int, given: dict[str, object], words: str
) -> None:
    """A version, a metric or a feature that is not there, beside those that are."""
    with pytest.raises(UnknownName, match=words):
        compare_on(two.home, CHURN, first, second, two.today, **given)  # type: ignore[arg-type]


def test_versions_of_another_kind_cannot_be_compared(two: Two) -> None:
    """A task whose label became one of several classes: both kinds are named."""
    task = replace(PREFERENCE, name="churn")
    with pytest.raises(UsageError, match="They are binary and binary; the task is multiclass"):
        compare_on(two.home, task, 1, 2, two.today)


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_version_that_cannot_be_read_is_named(two: Two, damage: str) -> None:
    """Its number, what is wrong with it, and what to do."""
    registry = Registry(two.home)
    forest = registry.folder(registry.version("churn", 2)) / FILES / FOREST
    was = forest.read_bytes()
    forest.unlink() if damage == "gone" else forest.write_bytes(b"no forest")
    words = "Version 2 of churn .*Train again" if damage == "gone" else "churn"
    try:
        with pytest.raises((NotReady, DataError), match=words):
            compare_on(two.home, CHURN, 1, 2, two.today)
    finally:
        forest.write_bytes(was)
