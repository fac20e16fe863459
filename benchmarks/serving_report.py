"""Writes `benchmarks/serving.md` and its picture from the lines of `benchmarks/serving.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from textwrap import fill

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_overload import CALM, INSIDE, TIMES
from benchmarks.serving_peers import FLOOR, MLFLOW, ONRAMP, TITLES
from benchmarks.serving_picture import draw
from benchmarks.serving_results import Line, Numbers, Results
from benchmarks.serving_targets import NAMES, STORES, row, targets, title
from lifecycle.whole import write_whole

HOW = """\
## How it was measured

- **One model, one machine.** {customers:,} simulated customers, Onramp's own {features} features;
  a churn champion of {trees} LightGBM trees, as a short training made it. {cores} cores, CPython
  {python}, {libraries}. {at}; load of the machine before {before}, after {after} (1, 5, 15
  minutes), nice {nice}.
- **Plain `mlflow models serve`** serves the same registered version, with its column signature, by
  its one command: one worker under uvicorn.
- **The floor** is a bare ASGI endpoint under uvicorn: orjson, one call of the same booster with
  one thread (LightGBM's quicker way for one row) and its calibration. It checks nothing and logs
  nothing. By customer it reads the store with Onramp's reader first. Plain MLflow has no endpoint
  by customer. Before anything is timed all three are asked for the same hundred rows: the numbers
  they answer are equal to the last bit.
- **Onramp** is `onramp serve` as shipped: one process, every answer in the prediction log.
- **The load** is another process, on the same cores: prepared bytes over kept connections, each of
  which asks again as soon as it has its answer (closed loop). Of every answer the status and the
  number of rows are checked. {seconds:g} s a load after {warm:g} s of warming (plain MLflow at 64
  connections four times as long), {rounds} rounds, all servers of a part up at once and taking
  turns; a cell is the median of its rounds.
- **CPU** is user and system time of the server's processes by `/proc`, over all answers; of Redis
  apart. **Memory** is the peak of the largest process. **A start** ends with the first 200 of
  `/ping`, asked every ten milliseconds, bytecode and page cache warm; median of {starts}.
- **{times} × the load.** The sustainable rate is what {inside} connections get in closed loop. Then
  either {times} times as many connections ask on at once, whatever `Retry-After` says; or requests
  fall due at ten times that rate whether answers come or not (open loop, the time running from when
  a request fell due). Right afterwards, without a pause, {calm} connections ask again. A failed
  request is any answer but a right 200 or a 503 with `Retry-After`, a lost connection, or none in
  half a minute.
"""


def write(lines: Sequence[Line], to: Path) -> None:
    """Write the page and the picture beside it."""
    results = Results(lines=lines)
    draw(results, to / "serving.svg")
    text = "\n".join(page(results)) + "\n"
    write_whole(to / "serving.md", re.sub(r"\bnan\b", "–", text))


def page(results: Results) -> Iterator[str]:
    yield "# Serving, measured\n"
    yield "By `python benchmarks/serving.py`; take ratios, not milliseconds.\n"
    yield "![Requests a second and p50 by connections](serving.svg)\n"
    yield "| to reach | reached | measured |"
    yield "|---|---|---|"
    yield from map(row, targets(results))
    faults = results.faults()
    said = ", ".join(f"{n} × {what}" for what, n in faults.items()) or "every answer was right"
    yield f"\nOutside of the overload: {said}.\n"
    yield from sections(results)
    yield from overloads(results)
    yield from costs(results)
    yield how(results)


def sections(results: Results) -> Iterator[str]:
    """A table for each thing that was asked."""
    cells = results.cells()
    seen = dict.fromkeys((cell.store, cell.what, cell.size) for cell in cells)
    for store, what, size in seen:
        many = {"rows": "row", "customers": "customer", "page": "customer's page"}[what]
        where = f", {STORES[store]}" if store in STORES else ""
        yield f"## {size} {many}{'s' * (size > 1)}, {NAMES[what]}{where}\n"
        yield "| connections | | p50 ms | p95 | p99 | requests/s | CPU ms each | × floor's p50 |"
        yield "|---|---|---|---|---|---|---|---|"
        for connections in results.connections():
            those = {
                cell.system: one
                for cell, one in cells.items()
                if cell[1:] == (store, what, size, connections)
            }
            yield from (
                line(connections, system, one, those.get(FLOOR)) for system, one in those.items()
            )
        yield ""


def line(connections: int, system: str, one: Numbers, floor: Numbers | None) -> str:
    times = f"{one.p50 / floor.p50:.2f}" if floor else ""
    cpu = f"{one.cpu:.2f}" + (f" + {one.store_cpu:.2f} Redis" if one.store_cpu else "")
    name = f"**{TITLES[system]}**" if system == ONRAMP else TITLES[system]
    return (
        f"| {connections} | {name} | {one.p50:.2f} | {one.p95:.2f} | {one.p99:.2f} "
        f"| {one.rate:,.0f} | {cpu} | {times} |"
    )


def overloads(results: Results) -> Iterator[str]:
    """What was seen at ten times the load."""
    storms = results.of("overload")
    if not storms:
        return
    yield f"## {TIMES} × the load\n"
    yield (
        "| | sustainable, /s | asked, /s | served, /s | sent away, /s | p99 of the served, ms "
        "| p99 of the sent away | p50 before | after |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in storms:
        tenfold = one["tenfold"]
        asked = tenfold["due_rate"] or tenfold["answered_rate"]
        away = tenfold["answered_rate"] - tenfold["rate"]
        yield (
            f"| {title(one)} | {one['limit']['rate']:,.0f} | {asked:,.0f} | {tenfold['rate']:,.0f} "
            f"| {away:,.0f} | {tenfold.get('p99', float('nan')):,.0f} "
            f"| {tenfold['shed_ms'].get('p99', float('nan')):,.0f} "
            f"| {one['before']['p50']:.2f} ms | {one['after']['p50']:.2f} ms |"
        )
    late = [one for one in storms if one["tenfold"]["unsent"] > 1]  # one is the last moment's
    for one in late:
        yield (
            f"\n{title(one)}: {one['tenfold']['unsent']:,} requests that fell due found no "
            "connection before the end."
        )
    yield ""


def costs(results: Results) -> Iterator[str]:
    """Cold start and memory."""
    yield "## Start and memory\n"
    yield "| | to the first answer, s | CPU s | memory then, MiB | peak under load, MiB |"
    yield "|---|---|---|---|---|"
    for system in (MLFLOW, FLOOR, ONRAMP):
        begun = [one for one in results.of("start") if one["system"] == system]
        took = (median(one[name] for one in begun) for name in ("seconds", "cpu", "mib"))
        seconds, cpu, mib = took if begun else (float("nan"),) * 3
        peaks = ", ".join(
            f"{one['peak_mib']:,.0f} ({STORES.get(one['store'], 'rows')})"
            for one in results.of("memory")
            if one["system"] == system
        )
        yield f"| {TITLES[system]} | {seconds:.1f} | {cpu:.1f} | {mib:,.0f} | {peaks} |"
    logs = [one["log"] for one in results.of("memory") if "log" in one]
    rows, dropped = sum(one["written"] for one in logs), sum(one["dropped"] for one in logs)
    yield (f"\nOnramp's prediction log took {rows:,} rows meanwhile and dropped {dropped:,}.\n")


def how(results: Results) -> str:
    [first] = results.of("machine")
    last = (results.of("ended") or [first])[-1]
    plan, model = first["plan"], first["model"]
    return wrapped(HOW.format(
        customers=plan["customers"], features=model["features"], trees=model["trees"],
        cores=first["cores"], python=first["python"], at=first["at"], nice=first["nice"],
        libraries=", ".join(f"{name} {number}" for name, number in first["libraries"].items()),
        before=loads(first), after=loads(last), seconds=plan["seconds"], warm=plan["warm"],
        rounds=plan["rounds"], starts=plan["starts"], times=TIMES, inside=INSIDE, calm=CALM,
    ))  # fmt: skip


def wrapped(text: str) -> str:
    """Each point of a list in lines of the usual length, whatever was filled in."""
    head, *points = text.rstrip().split("\n- ")
    filled = [
        fill(f"- {' '.join(point.split())}", 100, subsequent_indent="  ", break_long_words=False,
             break_on_hyphens=False)
        for point in points
    ]  # fmt: skip
    return "\n".join([head, *filled])


def loads(one: Line) -> str:
    return " / ".join(f"{value:.1f}" for value in one["load"])
