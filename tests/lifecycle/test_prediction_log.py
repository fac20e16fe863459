"""lifecycle.prediction_log: what was served comes back as it went in, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lifecycle.home import open_home
from lifecycle.prediction import COLUMNS, Prediction, as_table
from lifecycle.prediction_log import PredictionLog

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)

ONE = Prediction(
    receipt_id="r1",
    task="churn",
    version=3,
    customer_id="c1",
    event_timestamp=DAY,
    scored_at=DAY + timedelta(hours=1),
    origin="online",
    prediction=0.25,
    answer="no",
    probabilities={"no": 0.75, "yes": 0.25},
    features={"visits": 2.0, "country": "DE", "newsletter": True, "spent": None},
)


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(open_home(tmp_path))


def test_row_comes_back_as_it_went_in(log: PredictionLog) -> None:
    """Every field, the features by name; a boolean feature is 0 or 1, an absent one null."""
    log.write([ONE])
    found = log.read("churn")
    assert found.loc[0, ["receipt_id", "version", "customer_id", "answer"]].tolist() == [
        "r1", 3, "c1", "no",
    ]  # fmt: skip
    assert found.loc[0, "event_timestamp"] == pd.Timestamp(DAY)
    assert found.loc[0, "probabilities"] == '{"no": 0.75, "yes": 0.25}'
    assert found.loc[0, ["visits", "country", "newsletter"]].tolist() == [2.0, "DE", 1.0]
    assert pd.isna(found.loc[0, "spent"])


def test_empty_log_has_the_columns(log: PredictionLog) -> None:
    """A reader needs no special case before the first answer."""
    assert log.read("churn").columns.tolist() == list(COLUMNS)
    assert log.moments("churn", DAY).columns.tolist() == ["customer_id", "event_timestamp"]
    assert log.newest_moment("churn") is None


def test_window_is_open_at_its_start_and_closed_at_its_end(log: PredictionLog) -> None:
    """Neighbouring windows share no row; a row without a moment counts when it was scored."""
    hours = [DAY + timedelta(hours=n) for n in range(4)]
    log.write([replace(ONE, receipt_id=f"r{n}", event_timestamp=at) for n, at in enumerate(hours)])
    log.write([replace(ONE, receipt_id="sent", event_timestamp=None, scored_at=hours[2])])
    found = log.read("churn", start=hours[1], end=hours[2])
    assert found["receipt_id"].tolist() == ["r2", "sent"]


def test_batch_again_replaces(log: PredictionLog) -> None:
    """The newest batch score of a moment by a version counts; online answers are each their own."""
    batch = replace(ONE, origin="batch")
    later = replace(batch, receipt_id="r2", scored_at=DAY + timedelta(hours=2), prediction=0.5)
    for prediction in (batch, later, replace(batch, receipt_id="r3", version=4)):
        log.write([prediction])
    log.write([replace(ONE, receipt_id="o1"), replace(ONE, receipt_id="o2")])
    assert log.read("churn")["receipt_id"].tolist() == ["o1", "o2", "r2", "r3"]
    assert len(log.moments("churn", DAY - timedelta(days=1))) == 1
    assert log.newest_moment("churn") == DAY


def test_category_that_one_file_lacks(log: PredictionLog) -> None:
    """A file whose category is null in every row does not turn the others' words into numbers."""
    log.write([ONE])
    log.write([replace(ONE, receipt_id="r2", features={"country": None, "new": 1.0})])
    found = log.read("churn").set_index("receipt_id")
    assert found.loc["r1", "country"] == "DE"
    assert pd.isna(found.loc["r2", "country"])
    assert found["new"].tolist()[1] == 1.0


def test_versions_and_tasks_lie_apart(log: PredictionLog) -> None:
    """One write may hold answers of several; a reader sees its own task."""
    files = log.write([ONE, replace(ONE, version=4), replace(ONE, task="preference")])
    assert len(files) == 3
    assert len(log.read("preference")) == 1


def test_failed_write_leaves_nothing(log: PredictionLog) -> None:
    """Half a file is not left behind for a reader to trip over."""
    folder = log.root / "task=churn"
    folder.mkdir(parents=True)
    table = as_table([ONE])
    with pytest.raises(AttributeError):
        log.write_table("churn", table.schema)
    assert list(folder.iterdir()) == []


def test_compaction_changes_no_row(log: PredictionLog) -> None:
    """Many small files of a finished day become one; what is read stays the same."""
    for n in range(12):
        log.write([replace(ONE, receipt_id=f"r{n:02}")])
    before = log.read("churn")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert log.compact("churn", before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert log.compact("churn", before=tomorrow) == 12
    assert len(list((log.root / "task=churn").iterdir())) == 1
    pd.testing.assert_frame_equal(log.read("churn"), before)
    assert log.compact("churn", before=tomorrow) == 0


def test_kill_within_compaction_doubles_nothing(log: PredictionLog) -> None:
    """The gathered file and the small ones together still hold each receipt once."""
    small = [log.write([replace(ONE, receipt_id=f"r{n}")])[0] for n in range(3)]
    kept = [(path, path.read_bytes()) for path in small]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    log.compact("churn", before=tomorrow)
    for path, content in kept:
        path.write_bytes(content)
    assert log.read("churn")["receipt_id"].tolist() == ["r0", "r1", "r2"]
    log.compact("churn", before=tomorrow)
    (whole,) = (log.root / "task=churn").iterdir()
    assert pq.read_metadata(whole).num_rows == 3


def test_the_newest_answer_about_each_customer_comes_first(log: PredictionLog) -> None:
    """One row a customer, of one origin, of no later moment, the last scored first; none twice."""

    def at(receipt: str, who: str | None, hours: int, **other: object) -> Prediction:
        scored = DAY + timedelta(hours=hours)
        return replace(ONE, receipt_id=receipt, customer_id=who, scored_at=scored, **other)

    rows = [at("a", "c1", 1), at("b", "c2", 2), at("c", "c1", 3), at("d", None, 4),
            at("e", "c3", 5, origin="batch"), at("f", "c4", 6, event_timestamp=None),
            at("g", "c5", 7, event_timestamp=DAY + timedelta(hours=1))]  # fmt: skip
    log.write(rows)
    log.write(rows[:3])
    found = log.newest("churn", "online", customers=10, end=DAY)
    assert found["receipt_id"].tolist() == ["c", "b"]
    assert found["visits"].tolist() == [2.0, 2.0]
    assert log.newest("churn", "online", customers=1, end=DAY)["receipt_id"].tolist() == ["c"]
    assert log.newest("churn", "batch", customers=9, end=DAY)["receipt_id"].tolist() == ["e"]
    assert log.newest("other", "batch", customers=9, end=DAY).empty
    later = DAY + timedelta(hours=1)
    since = log.newest("churn", "online", customers=9, end=later, start=DAY)
    assert since["receipt_id"].tolist() == ["g"]
