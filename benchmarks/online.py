"""The online stores: load customers and read them, beside Feast's own way and the bare store.

Run: python benchmarks/online.py [customers] [features] [customers that Feast loads]

Each peer is a process of its own; its imports are not counted. Feast's way is `store.materialize`
and `get_online_features` on its stock SQLite and Redis stores, with its DuckDB offline store. The
bare store takes the same bytes as ours, made beforehand, by plain `executemany` and pipelined HSET
without a guard, and gives bytes back. CPU seconds are those of the client and of Redis together.
Feast may be given fewer customers, because a million take it many minutes: rates are compared.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Taken, measure
from benchmarks.online_peers import SIZES, WAYS
from benchmarks.online_world import write

STORES = ("sqlite", "redis")
PEERS = str(Path(__file__).with_name("online_peers.py"))


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """A server of our own that keeps nothing; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield port
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print loads, reads and their ratios."""
    numbers = [int(word) for word in sys.argv[1:]] + [100_000, 30, 0][len(sys.argv) - 1 :]
    customers, features, few = numbers[0], numbers[1], numbers[2] or numbers[0]
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as port:
        root, small = Path(folder) / "all", Path(folder) / "few"
        write(root / "features", customers, features)
        write(small / "features", few, features)
        for store in STORES:
            rows = {way: few if way == "feast" else customers for way in WAYS}
            words = {
                way: (way, store, str(small if way == "feast" else root), str(features), str(port))
                for way in WAYS
            }
            run = {
                step: {way: measure(PEERS, step, str(rows[way]), *words[way])
                       for way in WAYS}
                for step in ("load", "read")
            }  # fmt: skip
            show(store, rows, run)


def show(store: str, rows: Mapping[str, int], run: Mapping[str, Mapping[str, Taken]]) -> None:
    print(
        f"\n{store}: load          customers  seconds  customers/s  CPU µs each  peak MiB  faster"
    )
    said = {way: one.said for way, one in run["load"].items()}
    rate = {way: rows[way] / one["seconds"] for way, one in said.items()}
    for way in WAYS:
        print(
            f"  {way:16}{rows[way]:>12,}{said[way]['seconds']:>9.2f}{rate[way]:>13,.0f}"
            f"{said[way]['cpu'] / rows[way] * 1e6:>13.1f}{run['load'][way].peak_mib:>10,.0f}"
            f"{rate[way] / rate['feast']:>7.1f}×"
        )
    print(f"  ours, nothing new {said['ours']['nothing new']:>18.2f} s")
    print(f"{store}: read of       p50 ms    p99 ms   reads/s  CPU ms each   cheaper")
    read = {way: one.said for way, one in run["read"].items()}
    for size in SIZES:
        for way in WAYS:
            one = read[way]
            print(
                f"  {size:>3} {way:12}{one[f'{size} p50']:>10.3f}{one[f'{size} p99']:>10.3f}"
                f"{one[f'{size} rate']:>10,.0f}{one[f'{size} cpu']:>13.3f}"
                f"{read['feast'][f'{size} cpu'] / one[f'{size} cpu']:>9.1f}×"
            )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
