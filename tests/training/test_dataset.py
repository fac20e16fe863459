"""The training set from the real stores: fixed order, nothing after as_of, nothing unbuilt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import tasks
from feature_repo.apply import apply
from features.build import build
from features.moments import watermark
from features.tables import TIME, tables, write_part
from ingestion import ingest
from lifecycle.broken_spans import BrokenSpan, read
from lifecycle.errors import DataError, NotReady
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
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


def test_every_feature_comes_with_its_meaning(filled: Home, churn: Task) -> None:
    """What a model will say of its reasons travels with the rows."""
    found = assemble(filled, churn, BUILT)
    assert set(found.meanings) == {name for name, _ in found.features}


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


def test_moments_whose_data_was_broken_are_left_out_and_counted(
    filled: Home, churn: Task, tmp_path: Path
) -> None:
    """By the ledger as it is known then; the run names the spans, and they give the same rows."""
    before = assemble(filled, churn, BUILT)
    start, end = BUILT - timedelta(days=30), BUILT - timedelta(days=23)
    times = before.frame["event_timestamp"]
    bad = (times > start) & (times <= end)
    assert bad.any()
    home = replace(filled, root=tmp_path / "home")
    shutil.copytree(filled.root, home.root)
    verdict = {
        "as_of": end, "checks": ["unit"], "window": {"start": start.isoformat(),
        "end": end.isoformat()},
    }  # fmt: skip
    Ledger(home).append(
        Entry(actor="monitor", task="churn", decision="broken data", why="cents", evidence=verdict)
    )
    after = assemble(home, churn, BUILT)
    kept = before.frame[~bad].reset_index(drop=True)
    pd.testing.assert_frame_equal(after.frame, kept)
    assert after.lineage["moments_in_broken_spans"] == str(
        int(bad.sum()) + int(in_span(before.unanswered, start, end))
    )
    assert before.lineage["moments_in_broken_spans"] == "0"
    spans = read(after.lineage["broken_spans"])
    assert [(one.start, one.end) for one in spans] == [(start, end)]
    assert assemble(filled, churn, BUILT, broken=spans).fingerprint == after.fingerprint
    whole = BrokenSpan(start=START - timedelta(days=1), end=BUILT)
    with pytest.raises(DataError, match="Every moment with a label lies where monitoring"):
        assemble(filled, churn, BUILT, broken=(whole,))


def in_span(frame: pd.DataFrame, start: datetime, end: datetime) -> int:
    return int(((frame["event_timestamp"] > start) & (frame["event_timestamp"] <= end)).sum())


def test_unbuilt_moments_are_refused(filled: Home, churn: Task) -> None:
    """A moment nobody built is an error that says what to run: not the vector of the day before."""
    with pytest.raises(NotReady, match=r"have no features.*onramp features"):
        assemble(filled, replace(churn, moments=(1, 2, 3)), BUILT)


def test_quarantined_moments_are_left_out_and_counted(filled: Home, churn: Task) -> None:
    """A day 3 that broke a bound is not trained on with the vector of day 1."""
    before = assemble(filled, churn, BUILT)
    frame = before.frame
    first = frame[frame["event_timestamp"] == frame["signed_up_at"] + timedelta(days=3)].iloc[0]
    kept: dict[Path, bytes] = {}
    table = tables(filled, filled.dataset())[1]
    for path in table.parts():
        rows = pq.read_table(path)
        bad = pc.and_(
            pc.equal(rows["customer_id"], first["customer_id"]),
            pc.equal(rows["event_timestamp"], pa.scalar(first["event_timestamp"], TIME)),
        )
        if pc.any(bad).as_py():
            kept[path] = path.read_bytes()
            write_part(rows.filter(bad), table.quarantine / path.name)
            write_part(rows.filter(pc.invert(bad)), path)
    try:
        after = assemble(filled, churn, BUILT)
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
            (table.quarantine / path.name).unlink()
    assert len(kept) == 1
    assert before.lineage["quarantined_moments"] == "0"
    assert after.lineage["quarantined_moments"] == "1"
    left = frame.drop(index=first.name).reset_index(drop=True)
    pd.testing.assert_frame_equal(after.frame, left)


def test_a_silent_pipe_teaches_nothing(filled: Home, churn: Task) -> None:
    """Days without delivery add neither labels nor moments that seem to be without an answer."""
    known = watermark(filled, BUILT + timedelta(days=300))
    assert known is not None
    build(filled, moments_days=churn.moments, as_of=known)
    later, now = (assemble(filled, churn, known + timedelta(days=d)) for d in (9, 0))
    pd.testing.assert_frame_equal(later.frame, now.frame)
    assert later.unanswered.empty


def test_before_any_label_it_says_so(filled: Home, churn: Task) -> None:
    """Too early, the error names the day and the horizon."""
    with pytest.raises(DataError, match=r"No moment has a label by 2026-01-05.*14 days"):
        assemble(filled, churn, START + timedelta(days=4))
