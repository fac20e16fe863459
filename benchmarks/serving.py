"""Onramp's server beside plain `mlflow models serve` and a bare endpoint around the booster.

    nice -n -10 python benchmarks/serving.py [--quick] [--rounds 3] [--seconds 2]
    python benchmarks/serving.py --report [--to FOLDER]

One run, one model, one machine; the load comes from a second process. All servers of a part are
up at the same time and take turns cell by cell, so that whatever else the machine does meets all
of them. Every load is one JSON line in the scratch folder; `serving.md` and `serving.svg` are
written from the lines.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_load import Load
from benchmarks.serving_overload import STORMS, overload
from benchmarks.serving_peers import FLOOR, MLFLOW, ONRAMP, Server, started, starts
from benchmarks.serving_report import write

ROOT = Path(__file__).resolve().parents[1]
LOAD = str(Path(__file__).with_name("serving_load.py"))
CONNECTIONS = (1, 8, 64)
SLOW = 16  # connections beyond which plain MLflow answers none of them within a load
LIBRARIES = ("mlflow", "lightgbm", "uvicorn", "uvloop", "httptools", "orjson", "redis")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        customers, trials: of the home that is served.
        rounds: how often every cell has its turn.
        seconds, warm: of one load.
        storm: seconds of each part of an overload.
        starts: cold starts of each server.
    """

    customers: int
    trials: int
    rounds: int
    seconds: float
    warm: float
    storm: float
    starts: int


WHOLE = Plan(customers=3_000, trials=3, rounds=3, seconds=2.0, warm=0.5, storm=4.0, starts=3)
QUICK = Plan(customers=3_000, trials=3, rounds=1, seconds=0.5, warm=0.1, storm=1.0, starts=1)


class Measuring:
    """Appends one line a measurement and says it."""

    def __init__(self, plan: Plan, lines: Path, questions: Mapping[tuple[str, int], Path]) -> None:
        self.plan, self.lines, self.questions = plan, lines, questions

    def add(self, line: Mapping[str, Any]) -> None:
        with self.lines.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")

    def ask(  # noqa: PLR0913  one load, each part by name
        self, server: Server, what: str, size: int, *, connections: int,
        seconds: float | None = None, rate: float | None = None, store: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """One load, in a process of its own; a longer one for who answers twenty a second."""
        longer = max(1.0, connections / SLOW) if server.system == MLFLOW else 1.0
        load = Load(
            port=server.port, questions=str(self.questions[what, size]), connections=connections,
            seconds=longer * (seconds or self.plan.seconds), warm=longer * self.plan.warm,
            rate=rate,
            pids={"server": server.pids, **({"store": [store]} if store else {})},
        )  # fmt: skip
        run = subprocess.run(
            [sys.executable, LOAD, json.dumps(asdict(load))],
            stdout=subprocess.PIPE, check=True, text=True,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(run.stdout)
        return found

    def cells(
        self, servers: Sequence[Server], asked: Sequence[tuple[str, int]], store: str,
        pid: int | None,
    ) -> None:  # fmt: skip
        """Every server's turn at every question, round after round."""
        for turn in range(self.plan.rounds):
            for what, size in asked:
                for connections in CONNECTIONS:
                    for server in servers:
                        if what == "page" and server.system != ONRAMP:
                            continue
                        found = self.ask(server, what, size, connections=connections, store=pid)
                        known = {
                            "kind": "cell", "system": server.system, "store": store, "what": what,
                            "size": size, "connections": connections, "round": turn,
                        }  # fmt: skip
                        self.add(known | found)
                        click.echo(
                            f"{server.system:8}{store:8}{what:10}{size:>4}{connections:>4}"
                            f"{found.get('p50', 0):>9.2f} ms p50{found['rate']:>9,.0f} /s"
                            f"  {found['faults'] or ''}"
                        )


def measure(plan: Plan, folder: Path, lines: Path) -> None:
    """Make what is served, and measure all of it."""
    from benchmarks import serving_world as world  # noqa: PLC0415  Feast takes seconds
    from benchmarks.online import redis_server  # noqa: PLC0415  as above

    told = world.make(folder, plan.customers, plan.trials)
    home, files = world.home_of(folder), told.model["folder"]
    lines.unlink(missing_ok=True)
    it = Measuring(plan, lines, world.questions(told, folder))
    it.add({"kind": "machine", **machine(), "plan": asdict(plan), "model": told.model})
    begin = partial(started, home=home, version=files)
    with ExitStack() as up:
        servers = [
            up.enter_context(begin(system, log=folder / f"{system}.log"))
            for system in (MLFLOW, FLOOR, ONRAMP)
        ]
        same_answers(servers, it.questions["rows", 100])
        it.cells(servers, [("rows", 1), ("rows", 100)], "none", None)
        remember(it, servers, "none")
    for system in (MLFLOW, FLOOR, ONRAMP):
        for one in starts(system, home, files, folder / f"{system}.log", plan.starts):
            it.add({"kind": "start", "system": system, **one})
    by_customer(it, begin, folder, "sqlite", None)
    with redis_server(folder) as port:
        twin = world.on_redis(folder, port, told.customers)
        pid = world.process_of(port)
        by_customer(it, partial(begin, home=twin), folder, "redis", pid)
    it.add({"kind": "ended", **machine()})


def by_customer(it: Measuring, begin: Any, folder: Path, store: str, pid: int | None) -> None:
    """What is looked up in one store; the overload too, in the store that a newcomer has."""
    with ExitStack() as up:
        servers = [
            up.enter_context(begin(system, log=folder / f"{system}-{store}.log", store=True))
            for system in (FLOOR, ONRAMP)
        ]
        it.cells(servers, [("customers", 1), ("customers", 100), ("page", 1)], store, pid)
        if store == "sqlite":
            for storm in STORMS:
                found = overload(
                    storm, partial(it.ask, servers[1], storm.what, storm.size), it.plan.storm
                )
                it.add(found)
                tenfold = found["tenfold"]
                click.echo(f"overload {storm}: {tenfold['statuses']} {tenfold['faults']}")
        remember(it, servers, store)


def remember(it: Measuring, servers: Sequence[Server], store: str) -> None:
    """Memory after the load, and how the prediction log fared."""
    for server in servers:
        line = {"kind": "memory", "system": server.system, "store": store}
        line["peak_mib"] = server.peak_mib
        if server.system == ONRAMP:
            line["log"] = fetched(server, "GET", "/ready")["prediction_log"]
        it.add(line)


def fetched(server: Server, method: str, path: str, body: bytes | None = None) -> Any:
    """One JSON answer."""
    import http.client  # noqa: PLC0415  beside the load, twice a run

    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    asking.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    return json.loads(asking.getresponse().read())


def same_answers(servers: Sequence[Server], questions: Path) -> None:
    """All servers say the same of the same rows, or nothing that follows is worth anything.

    Raises:
        SystemExit: they do not.
    """
    sent = json.loads(questions.read_text(encoding="utf-8"))[0]["sent"]
    body = sent.partition("\r\n\r\n")[2].encode()
    said = {s.system: fetched(s, "POST", "/invocations", body)["predictions"] for s in servers}
    if any(answers != said[MLFLOW] for answers in said.values()):
        raise SystemExit(f"The servers do not agree: {[one[:2] for one in said.values()]}")


def machine() -> dict[str, Any]:
    """Where and when it was measured."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load": os.getloadavg(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "nice": os.nice(0),
        "libraries": dict(installed()),
    }


def installed() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        yield name, version(name)


@click.command()
@click.option("--quick", is_flag=True, help="Go through all of it in a minute; numbers are poor.")
@click.option("--rounds", type=click.IntRange(min=1), help=f"Turns of a cell: {WHOLE.rounds}.")
@click.option("--seconds", type=click.FloatRange(min=0.1), help=f"Of a load: {WHOLE.seconds}.")
@click.option("--report", is_flag=True, help="Write the report of what is there; measure nothing.")
@click.option("--to", type=click.Path(path_type=Path),
              help="Where the report goes: here; with --quick beside its lines.")  # fmt: skip
@click.option("--scratch", default=ROOT / ".onramp-benchmark", type=click.Path(path_type=Path))
def main(  # one argument an option: click hands them over
    quick: bool,
    rounds: int | None,
    seconds: float | None,
    report: bool,
    to: Path | None,
    scratch: Path,
) -> None:
    """Measure, and write the report."""
    plan = QUICK if quick else WHOLE
    changed = {"rounds": rounds or plan.rounds, "seconds": seconds or plan.seconds}
    plan = Plan(**asdict(plan) | changed)
    folder = (scratch / f"serving-{plan.customers}-{plan.trials}").resolve()
    lines = folder / ("quick.jsonl" if quick else "whole.jsonl")
    if not report:
        measure(plan, folder, lines)
    if not lines.exists():
        raise click.UsageError(f"There is nothing in {folder}: measure first, without --report.")
    read = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    write(read, to or (folder if quick else Path(__file__).parent))


if __name__ == "__main__":
    main()
