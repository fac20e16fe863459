"""The peers of `benchmarks/online.py`: Feast's own way, ours and the bare store."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from redis import Redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.online_world import END, MOMENT, SERVICE, START, connect, home_of, name_of
from features.materialization import load, source_of
from features.online_file_rows import lines, names_of
from features.online_guard import Guard, hset
from features.online_keys import Keys
from features.online_link import writes_of
from features.online_newest import batches, open_database, wanted_of
from features.online_plan import plan_of
from features.online_time import micros_of
from features.online_vector import pack_all
from features.online_wire import bulk, converse
from features.store import online

WAYS = ("feast", "ours", "bare")
SIZES = (1, 10, 100)
READ_SECONDS = 1.0
AT_ONCE = 500


class Peer:
    """One way to one store, in the process that measures it."""

    def __init__(self, way: str, store: str, root: str, features: str, port: str) -> None:

        self.way, self.kind, self.port = way, store, int(port)
        self.database = WAYS.index(way)
        self.home = home_of(Path(root), f"{way}-{store}")
        self.feast = connect(self.home, int(features), self.online())

    def online(self) -> dict[str, Any]:
        stock = self.way == "feast"
        if self.kind == "sqlite":
            kind = "sqlite" if stock else "features.online_sqlite.VectorSqliteOnlineStore"
            return {"type": kind, "path": str(self.home.feast / "online.db")}
        kind = "redis" if stock else "features.online_redis.VectorRedisOnlineStore"
        return {"type": kind, "connection_string": f"127.0.0.1:{self.port},db={self.database}"}

    def cpu(self) -> float:
        """CPU seconds so far, of this process and of Redis."""
        mine = time.process_time()
        if self.kind == "sqlite":
            return mine
        told: Any = Redis(port=self.port).info("cpu")
        return mine + float(told["used_cpu_user"]) + float(told["used_cpu_sys"])

    def clocked(self, step: Callable[[], object]) -> dict[str, float]:
        cpu, began = self.cpu(), time.perf_counter()
        step()
        return {"seconds": time.perf_counter() - began, "cpu": self.cpu() - cpu}

    def load(self) -> dict[str, float]:
        """Load everything."""
        if self.way == "bare":
            return self.clocked(self.bare_load())
        if self.way == "feast":
            with redirect_stdout(StringIO()):
                return self.clocked(lambda: self.feast.materialize(START, END))
        again = lambda: self.clocked(self.our_load)  # noqa: E731
        return again() | {"nothing new": again()["seconds"]}

    def our_load(self) -> None:

        loader = self.feast.provider.online_store.loader(self.feast.config)
        load(self.home, self.feast, loader, self.feast.list_feature_views(), (START, END))

    def batches(self) -> list[Any]:

        loader = self.feast.provider.online_store.loader(self.feast.config)
        with open_database(self.home.feast / "scratch") as db:
            wanted = [
                wanted_of(
                    db, source_of(self.home, self.feast, loader, view),
                    micros_of(START), micros_of(END),
                )
                for view in self.feast.list_feature_views()
            ]  # fmt: skip
            return list(batches(db, wanted))

    def bare_load(self) -> Callable[[], None]:
        """The step that writes bytes which are made now."""
        return self.bare_sqlite() if self.kind == "sqlite" else self.bare_redis()

    def bare_sqlite(self) -> Callable[[], None]:

        file = self.feast.provider.online_store.file(self.feast.config)
        keys = Keys("customer_id")
        made = [
            [
                line
                for place, rows in enumerate(batch.views)
                for line in lines(
                    keys.of_all(names_of(batch)), (place, place), rows,
                    pack_all(rows.layout, rows.columns),
                )
            ]
            for batch in self.batches()
        ]  # fmt: skip

        def step() -> None:
            for some in made:
                with file.writing() as db:
                    db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)", some)

        return step

    def bare_redis(self) -> Callable[[], None]:

        made = []
        for batch in self.batches():
            guards = [Guard.of(rows.layout) for rows in batch.views]
            writes = [hset(key, guards, views) for key, views in writes_of(batch, "bench")]
            made += [writes[at : at + AT_ONCE] for at in range(0, len(writes), AT_ONCE)]
        connection = Redis(port=self.port, db=self.database).connection_pool.get_connection()

        def step() -> None:
            for some in made:
                converse(connection, b"".join(some), len(some))

        return step

    def read(self, customers: int) -> dict[str, float]:
        """Read random customers; latencies in ms by how many at once."""
        ask, dice = self.asker(), random.Random(0)  # noqa: S311

        said: dict[str, float] = {}
        for size in SIZES:
            questions = [
                [name_of(dice.randrange(customers)) for _ in range(size)] for _ in range(200)
            ]
            for question in questions[:20]:
                ask(question)
            cpu, taken = self.cpu(), []
            end = time.perf_counter() + READ_SECONDS
            while (began := time.perf_counter()) < end:
                ask(questions[len(taken) % len(questions)])
                taken.append(time.perf_counter() - began)
            p50, p99 = np.percentile(taken, [50, 99]) * 1e3
            said |= {
                f"{size} p50": p50,
                f"{size} p99": p99,
                f"{size} rate": len(taken) / sum(taken),
            }
            said[f"{size} cpu"] = (self.cpu() - cpu) / len(taken) * 1e3
        return said

    def asker(self) -> Callable[[Sequence[str]], object]:

        if self.way == "feast":
            service = self.feast.get_feature_service(SERVICE)
            return lambda names: self.feast.get_online_features(
                features=service, entity_rows=[{"customer_id": name} for name in names]
            ).to_dict()
        if self.way == "ours":
            return lambda names: online(self.home, SERVICE, names, now=MOMENT)
        return self.bare_asker()

    def bare_asker(self) -> Callable[[Sequence[str]], object]:

        if self.kind == "sqlite":
            file = self.feast.provider.online_store.file(self.feast.config)
            keys = Keys("customer_id")
            return lambda names: file.find([keys.of(name) for name in names])
        reader: Any = plan_of(self.home, "all").reader
        connection = Redis(port=self.port, db=self.database).connection_pool.get_connection()
        return lambda names: converse(
            connection,
            b"".join(reader.head + bulk(reader.keys.of(name)) + reader.tail for name in names),
            len(names),
        )


def peer(step: str, customers: str, *words: str) -> None:
    """Be one peer: say what it took as JSON."""
    one = Peer(*words)
    print(json.dumps(one.load() if step == "load" else one.read(int(customers))))


if __name__ == "__main__":
    peer(*sys.argv[1:])
