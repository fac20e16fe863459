"""lifecycle.log_files: a file appears whole or not at all, and many become one."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lifecycle.log_files import UNFINISHED, UNFINISHED_SECONDS, appear, gather, sweep, write_whole


def table(*receipts: str, country: str | None = None) -> pa.Table:
    """As the log's files are: a category that a whole file lacks is a column of numbers."""
    kind = pa.float64() if country is None else pa.string()
    return pa.table(
        {
            "receipt_id": list(receipts),
            "scored_at": pa.array([0] * len(receipts), pa.timestamp("us", tz="UTC")),
            "country": pa.array([country] * len(receipts), kind),
        }
    )


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """Neither half a file nor a whole one of which nobody knows what it holds."""

    def half(unfinished: Path) -> None:
        unfinished.write_bytes(b"PAR1")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        appear(tmp_path, "now", half)
    assert list(tmp_path.iterdir()) == []


def test_gathering_keeps_every_receipt_once(tmp_path: Path) -> None:
    """Also where a file lacks a category's words, and where a receipt is in two files."""
    files = [
        write_whole(tmp_path, "1", table("a", "b")),
        write_whole(tmp_path, "2", table("b", "c", country="DE")),
    ]
    whole = gather(tmp_path, "3", files)
    assert list(tmp_path.iterdir()) == [whole]
    assert whole.name.startswith("3-")
    assert pq.read_table(whole)["receipt_id"].to_pylist() == ["a", "b", "c"]


def test_files_that_somebody_else_gathered_are_left(tmp_path: Path) -> None:
    """Of two who gather the same files the second changes nothing."""
    first, second = (write_whole(tmp_path, name, table(name)) for name in "ab")
    first.unlink()
    with pytest.raises(duckdb.IOException):
        gather(tmp_path, "3", [first, second])
    assert list(tmp_path.iterdir()) == [second]


def test_leavings_of_the_killed_are_swept(tmp_path: Path) -> None:
    """Half a file of an hour ago goes; one that is being written, and every whole one, stays."""
    folder = tmp_path / "task=churn"
    whole = write_whole(folder, "1", table("a"))
    old, new = folder / f"old{UNFINISHED}", folder / f"new{UNFINISHED}"
    for file in (old, new):
        file.write_bytes(b"PAR1")
    long_ago = new.stat().st_mtime - UNFINISHED_SECONDS - 60
    for file in (old, whole):
        os.utime(file, (long_ago, long_ago))
    sweep(tmp_path)
    assert sorted(folder.iterdir()) == sorted([new, whole])
