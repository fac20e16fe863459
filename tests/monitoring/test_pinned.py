"""The baseline is what was approved: a retrain never moves it, a person may."""

from __future__ import annotations

import json

import pytest

from lifecycle import version_files
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.registry import Registry
from monitoring.approved import approved
from tests.monitoring.world import CHURN
from tests.resealed import reseal


def promoted(home: Home, version: int, actor: str, decision: str = "promote") -> None:
    registry = Registry(home)
    registry.point("champion", registry.version("churn", version))
    Ledger(home).append(
        Entry(actor=actor, task="churn", decision=decision, why="", version=str(version))
    )


def scored(home: Home, version: int, value: float) -> None:
    """Write the version's ROC-AUC on its test."""
    registry = Registry(home)
    held = registry.version("churn", version)
    path = registry.folder(held) / version_files.EVALUATION
    path.write_text(json.dumps({"metrics": {"roc_auc": value}}))
    reseal(registry, held)


@pytest.mark.parametrize(
    ("second", "actor", "decision", "baseline", "pinned"),
    [
        (0.70, "job 12ab", "promote", 0.80, 1),
        (0.85, "job 12ab", "promote", 0.80, 1),
        (0.70, "ann", "promote", 0.70, 2),
        (0.70, "ann", "approve", 0.70, 2),
    ],
    ids=["a retrain never lowers it", "nor raises it", "a person promotes",
         "a person approves"],
)  # fmt: skip
def test_whose_value_counts(
    unserved: Home, second: float, actor: str, decision: str, baseline: float, pinned: int
) -> None:
    """Windows are held against what a person approved last, whatever was retrained since."""
    scored(unserved, 1, 0.80)
    scored(unserved, 2, second)
    promoted(unserved, 1, "demo")
    assert approved(unserved, CHURN).yardstick.baseline == pytest.approx(0.80)
    promoted(unserved, 2, actor, decision)
    found = approved(unserved, CHURN)
    assert (found.yardstick.baseline, found.pinned) == (pytest.approx(baseline), pinned)


def test_only_retrains(unserved: Home) -> None:
    """Where no person ever promoted, the first champion's value is the approved one."""
    for version, value in ((1, 0.80), (2, 0.75), (3, 0.70)):
        scored(unserved, version, value)
        promoted(unserved, version, f"job {version}")
    found = approved(unserved, CHURN)
    assert (found.yardstick.baseline, found.pinned) == (pytest.approx(0.80), 1)


def test_a_pinned_version_that_is_gone(unserved: Home) -> None:
    """Without the approved version's files, the champion's own value is all there is."""
    scored(unserved, 2, 0.75)
    Ledger(unserved).append(
        Entry(actor="ann", task="churn", decision="promote", why="", version="99")
    )
    promoted(unserved, 2, "job 2")
    assert approved(unserved, CHURN).pinned == 2
