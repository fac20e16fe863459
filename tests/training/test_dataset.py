"""The training set from the real stores: fixed order, nothing after as_of, nothing unbuilt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import tasks
from feature_repo.apply import apply
from features.build import build
from ingestion import ingest
from lifecycle.errors import DataError, NotReady
from lifecycle.home import Home
from lifecycle.task import Task
from simulator import simulate
from training.dataset import assemble
from training.splits import split

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 1, tzinfo=UTC)
BUILT = START + timedelta(days=60)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, new_home: Callable[[str], Home]) -> Home:
    """A few hundred simulated customers through ingestion, features and Feast."""
    source = tmp_path_factory.mktemp("simulated")
    simulate(source, customers=250, seed=3, start=START, days=70)
    home = new_home("filled")
    ingest(home, ROOT / "datasets" / "simulated.toml", source)
    build(home, moments_days=(1, 3, 7, 14, 30), as_of=BUILT)
    apply(home)
    return home


@pytest.fixture(scope="module")
def churn(filled: Home) -> Task:
    return tasks.supported(filled.dataset())["churn"]


def test_a_training_set_is_the_same_every_time(filled: Home, churn: Task) -> None:
    """Same as_of, same frame, whatever threads did the work."""
    one, two = assemble(filled, churn, BUILT), assemble(filled, churn, BUILT)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.fingerprint == two.fingerprint
    assert one.frame["signed_up_at"].is_monotonic_increasing
    assert split(one.frame).test_from is not None


def test_only_ripe_labels_are_in_it(filled: Home, churn: Task) -> None:
    """No label's horizon reaches past as_of, and an earlier as_of has fewer rows."""
    late, early = (assemble(filled, churn, BUILT - timedelta(days=d)) for d in (0, 20))
    assert (late.frame["label_end"] <= BUILT).all()
    assert (early.frame["label_end"] <= BUILT - timedelta(days=20)).all()
    assert len(early.frame) < len(late.frame)
    assert early.fingerprint != late.fingerprint


def test_lineage_names_what_it_was_made_of(filled: Home, churn: Task) -> None:
    """Data set, event store and feature service are fingerprinted."""
    data = assemble(filled, churn, BUILT)
    assert data.lineage["dataset"] == "simulated"
    assert all(data.lineage[key] for key in ("event_store", "feature_service_fingerprint"))
    assert {kind for _, kind in data.features} == {"number", "category"}


def test_unbuilt_moments_are_refused(filled: Home, churn: Task) -> None:
    """A moment whose features nobody built is an error that says what to run."""
    with pytest.raises(NotReady, match=r"have no features.*onramp features"):
        assemble(filled, churn, BUILT + timedelta(days=40))


def test_before_any_label_it_says_so(filled: Home, churn: Task) -> None:
    """Too early, the error names the day and the horizon."""
    with pytest.raises(DataError, match=r"No moment has a label by 2026-01-05.*14 days"):
        assemble(filled, churn, START + timedelta(days=4))
