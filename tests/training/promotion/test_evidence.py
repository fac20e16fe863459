"""Evidence: later rows only, both models in the same order of classes, overlaps counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from lifecycle.costs import Costs
from lifecycle.gate import (
    Better,
    Gate,
    NotWorse,
    NotWorseOnSlices,
    SignatureCompatible,
    SignatureDifference,
    Skew,
    judge,
)
from lifecycle.row_keys import row_keys
from lifecycle.version_files import FILES  # beside the scorer that reads it
from tests.training.conftest import CHURN, PREFERENCE, Trained
from training.model import Scorer
from training.promotion.evidence import Contender, evidence
from training.promotion.labels import aligned, places, rarest
from training.promotion.latency import latency_ms
from training.promotion.unseen import after

TASK = replace(PREFERENCE, gate=Gate(rules=(NotWorse("accuracy", 0.1), NotWorse("macro_f1", 0.1))))


@pytest.fixture
def contender(trained: Trained) -> Contender:
    scorer = Scorer.from_folder(trained.folder("preference") / FILES)
    return Contender(number=1, scorer=scorer, keys=np.array([], dtype=np.uint64))


@dataclass(frozen=True)
class Later:
    """A contender's scorer that says it was trained at another time."""

    scorer: Scorer
    days: int
    facts: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        moved = {
            key: (pd.Timestamp(self.scorer.facts[key]) + timedelta(days=self.days)).isoformat()
            for key in ("labels_known_until", "test_signed_up_from")
        }
        object.__setattr__(self, "facts", {**self.scorer.facts, **moved})


def moved(contender: Contender, days: int) -> Contender:
    later = Scorer(Later(contender.scorer, days).facts, contender.scorer.engine)
    return replace(contender, number=2, scorer=later)


def test_rows_come_after_both_models(trained: Trained, contender: Contender) -> None:
    """A champion that knew more recent labels leaves fewer rows to judge on."""
    frame = trained.frames["preference"]
    alone = evidence(TASK, frame, contender, None)
    both = evidence(TASK, frame, contender, moved(contender, 10))
    assert alone.differences is None
    assert 0 < both.rows < alone.rows
    assert both.differences is not None
    assert set(both.differences) == {"accuracy", "macro_f1"}
    assert both.differences["accuracy"].value == 0


def test_an_overlap_is_counted(trained: Trained, contender: Contender) -> None:
    """Rows that either contender's keys name are counted as seen."""
    frame = trained.frames["preference"]
    knowing = replace(contender, keys=row_keys(frame.iloc[-5:]))
    assert evidence(TASK, frame, contender, knowing).seen == 5
    assert evidence(TASK, frame, knowing, None).seen == 5


def test_classes_are_matched_by_name() -> None:
    """A champion with other classes in another order is compared class by class."""
    p = np.array([[0.2, 0.8]])
    found = aligned(p, ("b", "a"), ("a", "b", "c"))
    assert found.tolist() == [[0.8, 0.2, 0.0]]
    assert places(pd.Series(["b", "x"]), ("a", "b")).tolist() == [1, -1]


def test_new_classes_stop_the_judging(trained: Trained, contender: Contender) -> None:
    """When the world has classes that the challenger never learned, that is the finding."""
    frame = trained.frames["preference"].copy()
    frame.loc[frame.index[-60:], "label"] = "podcast"
    found = evidence(TASK, frame, contender, None)
    assert "60 rows have a class it never learned: podcast" in found.problem


def test_the_rarest_class_is_counted() -> None:
    """Binary counts the smaller side even at zero; more classes those that occur."""
    assert rarest(np.array([1, 1]), 2) == 0
    assert rarest(np.array([0, 1, 1]), 4) == 1
    assert rarest(np.array([], dtype=np.int64), 4) == 0


def test_what_it_costs_to_serve_is_measured(trained: Trained) -> None:
    """The time of one row and the size of the version's files, so that a gate can bound them."""
    folder = trained.folder("churn")
    contender = Contender.load(1, folder)
    found = evidence(CHURN, trained.frames["churn"], contender, None)
    files = [path for path in (folder / FILES).iterdir() if path.is_file()]
    assert found.metrics["size_mb"] == sum(path.stat().st_size for path in files) / 1e6
    assert 0 < found.metrics["latency_ms"] < 100
    assert "expected_value" not in found.metrics
    assert np.isnan(latency_ms(contender.scorer, trained.frames["churn"].iloc[:0]))


def test_money_is_that_of_the_yeses(trained: Trained) -> None:
    """Each yes costs its offer, each right one saves; for 1,000 rows, at the own threshold."""
    contender = Contender.load(1, trained.folder("churn"))
    costs = Costs(offer=1.0, saved=10.0, accepted=0.5)
    task = replace(CHURN, costs=costs, gate=Gate(rules=(NotWorse("expected_value", 50.0),)))
    frame = trained.frames["churn"]
    found = evidence(task, frame, contender, contender)
    rows = frame[after(frame, [contender])]
    yes = contender.scorer.score(rows)[:, 1] >= contender.scorer.threshold
    money = 5.0 * (yes & rows["label"].to_numpy()).sum() - 1.0 * yes.sum()
    assert found.metrics["expected_value"] == pytest.approx(1_000 * money / len(rows))
    assert found.differences is not None
    assert found.differences["expected_value"].value == 0
    other = Scorer({**contender.facts, "threshold": 2.0}, contender.scorer.engine)  # never a yes
    against = evidence(task, frame, contender, replace(contender, scorer=other)).differences
    assert against is not None
    assert against["expected_value"].value == pytest.approx(found.metrics["expected_value"])


def test_a_gate_is_given_all_that_it_asks_for(trained: Trained) -> None:
    """Slices, gains and the signature too; what nobody can measure is left for the judge to say."""
    contender = Contender.load(1, trained.folder("churn"))
    asked = NotWorseOnSlices("log_loss", 0.1, by=("plan", "country"), higher_is_better=False)
    gate = Gate(rules=(Better("roc_auc"), NotWorse("rocauc", 0.1), asked, SignatureCompatible()))
    task, frame = replace(CHURN, gate=gate), trained.frames["churn"]
    skew = Skew(requests=3, compared=3)
    found = evidence(task, frame, contender, contender, skew=skew)
    assert found.differences is not None
    assert set(found.differences) == {"roc_auc"}
    assert found.sliced_by == ("plan",)
    assert {one.value for one in found.slices} == {"free", "pro", "team", "(missing)"}
    assert (found.signature, found.skew) == (SignatureDifference(), skew)
    outcomes = {finding.rule: finding.outcome for finding in judge(gate, found).findings}
    assert outcomes["rocauc not worse by 0.1"] == "could not tell"
    assert outcomes["roc_auc better by more than 0"] == "failed"
    assert outcomes["log_loss not worse by 0.1 on slices"] == "passed"


def test_a_champion_whose_feature_is_gone_can_be_replaced(trained: Trained) -> None:
    """Measured without the feature, as it would have to serve, it is still the one to beat."""
    contender = Contender.load(2, trained.folder("churn"))
    features = [
        ("gone" if name == "n0" else name, kind) for name, kind in contender.facts["features"]
    ]
    facts = {**contender.facts, "features": features}
    champion = replace(contender, number=1, scorer=Scorer(facts, contender.scorer.engine))
    found = evidence(CHURN, trained.frames["churn"], contender, champion)
    assert found.problem == ""
    assert found.differences is not None
    assert found.differences["roc_auc"].low > 0


def test_a_feature_that_is_gone_breaks_the_signature(trained: Trained) -> None:
    """Nothing is measured on half the features, and a gate that asks can refuse for it."""
    contender = Contender.load(1, trained.folder("churn"))
    frame = trained.frames["churn"].drop(columns=["n0"])
    found = evidence(CHURN, frame, contender, None)
    assert "version 1 needs n0" in found.problem
    assert found.signature == SignatureDifference(missing=("n0",))
    assert judge(CHURN.gate, found).decision == "cannot judge"
    assert judge(Gate(rules=(SignatureCompatible(),)), found).decision == "refuse"
