"""What is said follows from the intervals, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from lifecycle.gate import Difference
from training.balancing.balance import Balance
from training.balancing.methods import Ablation, Tried
from training.balancing.picture import figure
from training.balancing.verdict import reading, warnings, words
from training.search.plan import Candidate

NAN = float("nan")


def apart(value: float, half: float = 0.01) -> Difference:
    return Difference(
        value=value, low=value - half, high=value + half, confidence=0.95, method="made up"
    )


def told(before: float, after: float, *, done: bool = True, chosen: str = "smote") -> Ablation:
    """An ablation of SMOTE with given differences in log-loss."""
    answers = np.full((4, 2), 0.5)
    tried = {
        name: Tried(
            balance=Balance(method=name),  # type: ignore[arg-type]
            raw=answers, calibrated=answers, done=done, note="Class 1 has a single row.",
        )
        for name in ("none", "smote")
    }  # fmt: skip
    rest = {name: apart(0.0) for name in ("roc_auc", "pr_auc", "brier", "ece")}
    return Ablation(
        kind="binary",
        candidate=Candidate(
            algorithm="xgboost", params={}, balance=Balance(method=chosen)  # type: ignore[arg-type]
        ),
        labels=np.array([0, 1, 0, 1]), entities=np.arange(4).astype(object),
        tried=tried,  # type: ignore[arg-type]
        before={"smote": {**rest, "log_loss": apart(before)}},
        after={"smote": {**rest, "log_loss": apart(after)}}, sampled=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "metric", "wanted"),
    [(0.02, "roc_auc", "better"), (-0.02, "roc_auc", "worse"), (0.02, "log_loss", "worse"),
     (-0.02, "log_loss", "better"), (0.005, "brier", "same"), (0.01, "brier", "same"),
     (NAN, "brier", "unknown")],
)  # fmt: skip
def test_a_difference_is_read_by_its_interval(value: float, metric: str, wanted: str) -> None:
    """The sign counts as the metric does, and an interval that holds zero says nothing."""
    assert reading(apart(value), metric) == wanted


@pytest.mark.parametrize(
    ("after", "verb"),
    [(-0.05, "SMOTE helps here"), (0.05, "SMOTE harms here"),
     (0.001, "SMOTE makes no difference that could be seen here"),
     (NAN, "SMOTE could not be judged here")],
)  # fmt: skip
def test_the_verdict_is_by_calibrated_log_loss(after: float, verb: str) -> None:
    """Helps, harms, no difference or not judged, as the interval lies."""
    assert words(told(0.1, after)).startswith(verb)


def test_what_calibration_repairs_is_a_share() -> None:
    """Of a gap of 0.1 that shrinks to 0.02, four fifths are gone."""
    assert "0.1000 (SMOTE) worse than with none; calibration takes 80% of that" in words(
        told(0.1, 0.02)
    )
    assert "no method is seen to have a worse log-loss" in words(told(0.001, 0.0))


def test_what_could_not_be_tried_is_not_judged() -> None:
    """A table that SMOTE left alone gets its reason and no verdict."""
    assert words(told(0.0, 0.0, done=False)).startswith(
        "SMOTE could not be tried here: Class 1 has a single row."
    )


def test_a_choice_that_harms_is_warned_of() -> None:
    """Only the chosen method, and only where it is seen to be worse."""
    assert "The chosen balancing, SMOTE, is worse than none" in warnings(told(0.1, 0.05))[0]
    assert warnings(told(0.1, 0.001)) == ()
    assert warnings(told(0.1, 0.05, chosen="none")) == ()


def test_the_picture_has_a_panel_a_metric_and_leaves_out_what_is_unknown() -> None:
    """Five panels, each with a title that says which way is better."""
    drawn = figure(told(0.1, NAN))
    assert [axis.get_title() for axis in drawn.axes] == [
        "ROC-AUC (right is better)", "PR-AUC (right is better)", "log-loss (left is better)",
        "Brier score (left is better)", "ECE (left is better)",
    ]  # fmt: skip
