"""serving.log_writer: the log follows the answers and never holds one up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.home import open_home
from lifecycle.prediction import Prediction
from lifecycle.prediction_log import PredictionLog
from serving import log_writer
from serving.log_writer import Answered, LogWriter

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def answered(count: int, name: str = "r") -> Answered:
    return Answered(
        tuple(
            Prediction(
                receipt_id=f"{name}{i}",
                task="churn",
                version=1,
                customer_id="c",
                event_timestamp=NOW,
                scored_at=NOW,
                origin="online",
                prediction=0.5,
                answer="no",
                probabilities={"no": 0.5, "yes": 0.5},
                features={"visits": 1.0},
            )
            for i in range(count)
        )
    )


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(open_home(tmp_path))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_rows_are_written_within_a_second_or_so(log: PredictionLog) -> None:
    """Nobody needs to stop the server to see what it answered."""
    writer = LogWriter(log)
    writer.start()
    writer.put(answered(3))
    until(lambda: writer.state().written == 3)
    assert len(log.read("churn")) == 3
    writer.stop()


def test_stop_writes_what_is_waiting(log: PredictionLog) -> None:
    """A graceful stop loses nothing, however much is queued."""
    writer = LogWriter(log)
    for turn in range(20):
        writer.put(answered(500, f"t{turn}-"))
    writer.start()
    writer.stop()
    assert len(log.read("churn")) == 10_000
    assert writer.state().waiting == 0


def test_full_queue_drops_and_counts(log: PredictionLog) -> None:
    """The queue is bounded: past it rows are dropped, and what is kept is written."""
    writer = LogWriter(log, most_rows=10)
    assert writer.put(answered(8))
    assert not writer.put(answered(3))
    writer.start()
    writer.stop()
    state = writer.state()
    assert (state.written, state.dropped) == (8, 3)


def test_nothing_is_taken_after_the_stop(log: PredictionLog) -> None:
    """A late answer is counted as dropped, not kept for nobody."""
    writer = LogWriter(log)
    writer.start()
    writer.stop()
    assert not writer.put(answered(1))
    assert writer.state().dropped == 1


def test_disk_that_refuses_costs_rows_and_recovers(
    log: PredictionLog, caplog: pytest.LogCaptureFixture
) -> None:
    """While the folder cannot be written rows are lost, said once; afterwards the log goes on."""
    log.root.write_text("in the way")
    writer = LogWriter(log)
    writer.start()
    for name in ("a", "b"):
        writer.put(answered(2, name))
        until(lambda: writer.state().waiting == 0)
    assert writer.state().dropped == 4
    assert writer.state().trouble
    log.root.unlink()
    writer.put(answered(1, "c"))
    until(lambda: writer.state().written == 1)
    writer.stop()
    assert writer.state().trouble == ""
    assert [record.message.split(",")[0].split(":")[0] for record in caplog.records] == [
        "the prediction log cannot be written",
        "the prediction log is written again",
    ]


def test_put_never_waits(log: PredictionLog) -> None:
    """An answer pays microseconds for its row, whether the disk is quick or not."""
    writer = LogWriter(log)
    batch = answered(1)
    began = time.thread_time()
    for _ in range(log_writer.FLUSH_ROWS - 1):
        writer.put(batch)
    assert (time.thread_time() - began) / log_writer.FLUSH_ROWS < 200e-6


def test_what_is_written_is_shown(log: PredictionLog) -> None:
    """Who counts the answers sees each row once, also where the disk refuses it."""
    seen: list[str] = []
    log.root.write_text("in the way")
    writer = LogWriter(log, seen=lambda rows: seen.extend(row.receipt_id for row in rows))
    writer.put(answered(3))
    writer.start()
    writer.stop()
    assert seen == ["r0", "r1", "r2"]
    assert writer.state().dropped == 3


def test_counting_that_fails_costs_no_row(
    log: PredictionLog, caplog: pytest.LogCaptureFixture
) -> None:
    """The log is written all the same, and the fault is said."""

    def fails(_: object) -> None:
        raise ValueError("no such bucket")

    writer = LogWriter(log, seen=fails)
    writer.put(answered(3))
    writer.start()
    writer.stop()
    assert len(log.read("churn")) == 3
    assert "ValueError: no such bucket" in caplog.text


class Untold:
    """Answers of which no row can be made."""

    rows = 2

    def predictions(self) -> list[Prediction]:
        raise ValueError("no such shape")


def test_what_no_row_can_be_made_of_is_counted_and_harms_nobody(
    log: PredictionLog, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once, and no sign of a disk that refuses; the rows beside it are written."""
    writer = LogWriter(log)
    writer.put(Untold())
    writer.put(answered(3))
    writer.start()
    until(lambda: writer.state().written == 3)
    writer.put(Untold())
    writer.stop()
    state = writer.state()
    assert (state.written, state.dropped, state.unreadable, state.waiting) == (3, 0, 4, 0)
    assert state.trouble == ""
    assert len(log.read("churn")) == 3
    assert caplog.messages == ["answers cannot be made rows of the log: ValueError: no such shape"]


def test_one_version_that_cannot_be_written_costs_the_others_nothing(log: PredictionLog) -> None:
    """Rows are counted as lost where they are lost, and as written where they are written."""
    (log.root / "task=other").parent.mkdir(parents=True)
    (log.root / "task=other").write_text("in the way")
    writer = LogWriter(log)
    writer.put(Answered(tuple(replace(p, task="other") for p in answered(2).given)))
    writer.put(answered(3))
    writer.start()
    writer.stop()
    assert len(log.read("churn")) == 3
    assert (writer.state().written, writer.state().dropped) == (3, 2)


def test_small_files_become_one(log: PredictionLog) -> None:
    """A day of flushes is not a hundred thousand files; no row is lost or doubled by that."""
    writer = LogWriter(log, every_seconds=0.01, most_files=5)
    writer.start()
    for turn in range(12):
        writer.put(answered(2, f"t{turn}-"))
        until(lambda: writer.state().waiting == 0)
    folder = log.root / "task=churn"
    until(lambda: len(list(folder.glob("*.parquet"))) <= 4)
    writer.stop()
    assert len(log.read("churn")) == 24
