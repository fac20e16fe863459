"""Simulated events per second, beside the floor: plain random columns written as Parquet.

Run: python benchmarks/simulate.py [customers]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator import simulate


def floor(out: Path, rows: int, files: int) -> float:
    """Seconds to draw as many rows of the same width without meaning, and write them."""
    begun = time.perf_counter()
    rng = np.random.default_rng(0)
    out.mkdir()
    numbers = rng.integers(0, 1 << 40, (3, rows))
    micros = pa.timestamp("us", tz="UTC")
    words = pa.array([f"word-{i}" for i in range(96)])
    table = pa.table(
        {
            "event_id": pa.array(numbers[0]).cast(pa.string()),
            "customer_id": pa.array(numbers[1] % 20_000).cast(pa.string()),
            "event": words.take(pa.array(rng.integers(0, 11, rows))),
            "occurred_at": pa.array(numbers[0]).cast(micros),
            "received_at": pa.array(numbers[1]).cast(micros),
            "session_id": pa.array(numbers[2]).cast(pa.string()),
            "item": words.take(pa.array(rng.integers(0, 96, rows))),
            "value": rng.lognormal(size=rows),
        }
    )
    share = rows // files + 1
    for number in range(files):
        pq.write_table(
            table.slice(number * share, share), out / f"{number}.parquet", compression="zstd"
        )
    return time.perf_counter() - begun


def main() -> None:
    """Print both, and their ratio."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        report = simulate(Path(folder) / "world", customers=customers, seed=0)
        least = floor(Path(folder) / "floor", report.events, report.files_written // 2)
    for name, seconds in (("onramp simulate", report.seconds), ("floor", least)):
        print(
            f"{name:16} {report.events:>10,} events {seconds:6.2f} s "
            f"{report.events / seconds:>12,.0f} events/s"
        )
    print(f"ratio            {report.seconds / least:.2f}")


if __name__ == "__main__":
    main()
