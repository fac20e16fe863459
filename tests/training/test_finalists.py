"""The finalists meet on all training rows, forward in time, and the rounds come from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.training.conftest import CHURN, make_frame, make_set
from training.balancing.balance import Balance
from training.boosters import Settings
from training.finalists import settle
from training.folds import Problem
from training.parts import SEARCH_ROWS, prepare_parts, sample_customers
from training.search.search import Candidate, Found, Plan, search
from training.splits import folds


def plan_in(folder: Path) -> Plan:
    return Plan(
        name="churn-x", journal=folder / "study", kind="binary", metric="log_loss",
        search=CHURN.search, seed=0, trials=3,
    )  # fmt: skip


def test_the_better_candidate_wins_with_its_own_rounds(tmp_path: Path) -> None:
    """A crippled first choice loses to a sound second one, whose rounds are found afresh."""
    prepared = prepare_parts(CHURN, make_set(make_frame(customers=500)))
    sound = Candidate(
        algorithm="lightgbm", balance=Balance(), rounds=3,
        params={"learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 20},
    )  # fmt: skip
    crippled = replace(sound, params={"learning_rate": 1e-6, "num_leaves": 2})
    found = Found(ranked=(crippled, sound), value=0.0, trials=())
    final = settle(CHURN, prepared, found, plan_in(tmp_path))
    assert final.best.params == sound.params
    assert final.best.rounds > 3
    assert final.scores[0] < final.scores[1]
    assert settle(CHURN, prepared, found, plan_in(tmp_path)) == final


def test_a_sample_holds_whole_customers_only(tmp_path: Path) -> None:
    """Above the limit the search sees a seeded sample, and each customer in it entirely."""
    frame = make_frame(customers=4_500)
    prepared = prepare_parts(CHURN, make_set(frame))
    chosen = sample_customers(prepared, seed=0)
    assert 0.8 * SEARCH_ROWS < len(chosen) < 1.2 * SEARCH_ROWS
    customers = frame["customer_id"].iloc[prepared.train.positions].to_numpy()
    counts = {name: (customers == name).sum() for name in set(customers[chosen][:50])}
    assert all((customers[chosen] == name).sum() == n for name, n in counts.items())
    assert (sample_customers(prepared, seed=0) == chosen).all()
    problem = Problem(
        encoder=prepared.encoder, matrix=prepared.train.matrix[chosen],
        labels=prepared.train.labels[chosen],
        folds=folds(frame.iloc[prepared.train.positions[chosen]], 2),
        settings=Settings(classes=2, bins=63, seed=0, rounds=20),
    )  # fmt: skip
    found = search(problem, plan_in(tmp_path))
    assert len(found.ranked) >= 1
