"""Both online stores while others read, write, or die writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

from features.online_time import micros_of
from tests.features.online_world import (
    NOW,
    TICK,
    World,
    whole,
)

_numbers = count()


def versions_read(world: World, names: list[str], stop: threading.Event) -> set[tuple[Any, ...]]:
    """Read customers until told to stop; what was seen of each, as (behaviour, profile)."""
    seen = set()
    reader = world.reader
    while not stop.is_set():
        for values, _ in reader.read(names):
            seen.add(tuple(values))
    return seen


def test_reads_go_on_while_customers_are_loaded(world: World) -> None:
    """Four readers in threads see every customer in one version, of all views, all the time."""
    names = [f"go on {next(_numbers)}" for _ in range(40)]
    world.load({name: whole(0) for name in names}, NOW)
    stop = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(versions_read, world, names, stop) for _ in range(4)]
        for version in range(1, 25):
            world.load({name: whole(version) for name in names}, NOW + version * TICK)
        stop.set()
        seen = set().union(*(one.result() for one in readers))
    possible = {(n, f"v{n}", -n, f"v{n}", n) for n in range(25)}
    assert len(seen) > 1
    assert seen <= possible


def test_two_loaders_at_once_leave_the_newest(world: World) -> None:
    """Whoever comes last to a customer, the newest row stays, whole."""
    names = [f"two {next(_numbers)}" for _ in range(60)]

    def load(parity: int) -> None:
        for version in range(parity, 20, 2):
            world.load({name: whole(version) for name in names}, NOW + version * TICK)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(load, parity) for parity in (0, 1)]:
            done.result()
    assert [found for found, _ in world.read(*names)] == [whole(19)] * len(names)


NAMES = [f"killed {n}" for n in range(500)]
KILLED = """
import sys
from pathlib import Path
import pyarrow as pa
from redis import Redis
from features.online_file import OnlineFile
from features.online_file_rows import FileLoader
from features.online_link import LinkLoader
from features.online_port import Batch, Layout, Rows

where, layouts, start = sys.argv[1], eval(sys.argv[2]), int(sys.argv[3])
host, _, port = where.partition(":")
file = Path(where).is_absolute()
loader = FileLoader(OnlineFile(Path(where))) if file else None
loader = loader or LinkLoader(Redis(host, int(port)), "shop", None)
for version in range(1, 10_000):
    moment = pa.array([start + version] * 500)
    views = []
    for layout in layouts:
        columns = []
        for name, kind in layout.fields:
            value = float(start + version if name == layout.marker else version)
            value = -value if name == "spent" else value
            columns.append(pa.array([value if kind == "number" else f"v{version}"] * 500))
        views.append(Rows(layout=layout, columns=columns, times=moment, created=moment))
    loader.write(Batch(customer_ids=pa.array([f"killed {n}" for n in range(500)]), views=views))
    print(version, flush=True)
"""


def test_a_killed_load_leaves_each_customer_whole(world: World) -> None:
    """After kill -9 every customer is in the last version or the one before, over all views."""
    config = world.feast.config.online_store
    where = getattr(config, "path", None) or config.connection_string.partition(",")[0]
    words = [where, repr(list(world.layouts.values())), str(micros_of(NOW))]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *words], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert process.stdout is not None
    for version in "123":
        assert process.stdout.readline().strip() == version
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=120)
    done = int(["3", *process.stdout.read().split()][-1])
    process.stdout.close()
    versions = {tuple(values) for values, _ in world.reader.read(NAMES)}
    assert versions <= {(n, f"v{n}", -n, f"v{n}", n) for n in (done, done + 1)}
    world.load({name: whole(99_999) for name in NAMES}, NOW + timedelta(hours=1))
    assert world.read(*NAMES) == world.read(NAMES[0]) * len(NAMES)
