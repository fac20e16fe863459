"""What the project set out to reach in serving, and whether the results show it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_overload import INSIDE, TIMES
from benchmarks.serving_peers import FLOOR, MLFLOW, ONRAMP
from benchmarks.serving_results import Cell, Line, Numbers, Results

FASTER, NEAR, QUICK_MS = 10.0, 1.6, 20.0
BACK = 1.5  # times the p50 of before: the noise of a machine, not a queue
NAMES = {
    "rows": "`/invocations`",
    "customers": "`/TASK/score`",
    "page": "`/api/personalization/ID`",
}
STORES = {"sqlite": "SQLite", "redis": "Redis"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to reach; `reached` is None where it was not measured."""

    what: str
    reached: bool | None
    measured: str


def targets(results: Results) -> Iterator[Target]:
    """All of them, in the order of the issue they come from."""
    cells = results.cells()
    for connections in results.connections():
        yield faster(cells, connections)
    for connections in results.connections():
        yield near(cells, connections)
    for store in STORES:
        for what, size in (("customers", 1), ("page", 1), ("customers", 100)):
            yield quick(cells, store, what, size)
    for line in results.of("overload"):
        yield unbroken(line)
        yield recovered(line)


def faster(cells: dict[Cell, Numbers], connections: int) -> Target:
    what = f"one row, {said(connections)}: {FASTER:g} × plain MLflow's requests a second"
    ours, theirs = (
        cells.get(Cell(system, "none", "rows", 1, connections)) for system in (ONRAMP, MLFLOW)
    )
    if not ours or not theirs or not theirs.rate:
        return Target(what=what, reached=None, measured="")
    times = ours.rate / theirs.rate
    measured = f"{times:.1f} × ({ours.rate:,.0f} and {theirs.rate:,.0f})"
    return Target(what=what, reached=times >= FASTER, measured=measured)


def near(cells: dict[Cell, Numbers], connections: int) -> Target:
    what = f"one row, {said(connections)}: p50 at most {NEAR:g} × the floor's"
    ours, floor = (
        cells.get(Cell(system, "none", "rows", 1, connections)) for system in (ONRAMP, FLOOR)
    )
    if not ours or not floor:
        return Target(what=what, reached=None, measured="")
    times = ours.p50 / floor.p50
    measured = f"{times:.2f} × ({ours.p50:.2f} and {floor.p50:.2f} ms)"
    return Target(what=what, reached=times <= NEAR, measured=measured)


def quick(cells: dict[Cell, Numbers], store: str, what: str, size: int) -> Target:
    many = "1 customer" if size == 1 else f"{size} customers in one request"
    words = f"{many}, {NAMES[what]}, {STORES[store]}, 8 connections: p99 below {QUICK_MS:g} ms"
    ours = cells.get(Cell(ONRAMP, store, what, size, 8))
    if not ours:
        return Target(what=words, reached=None, measured="")
    return Target(what=words, reached=ours.p99 < QUICK_MS, measured=f"{ours.p99:.1f} ms")


def unbroken(line: Line) -> Target:
    """Only 200, and 503 with Retry-After; and requests were really sent away."""
    tenfold = line["tenfold"]
    what = f"{title(line)}: no failed request at {TIMES} × the load"
    odd = {k: n for k, n in tenfold["statuses"].items() if k not in {"200", "503"}}
    failed = sum(tenfold["faults"].values()) + sum(odd.values())
    shed = tenfold["statuses"].get("503", 0)
    measured = (
        f"{tenfold['answers']:,} answered, {shed:,} of them sent away, {failed:,} failed; "
        f"{tenfold['rate']:,.0f} a second served of {line['limit']['rate']:,.0f}"
    )
    return Target(what=what, reached=not failed, measured=measured)


def recovered(line: Line) -> Target:
    before, after = line["before"].get("p50"), line["after"].get("p50")
    what = f"{title(line)}: p50 is back right afterwards (at most {BACK:g} × that of before)"
    if not before or not after:
        return Target(what=what, reached=False, measured="no answers")
    measured = f"{before:.2f} ms before, {after:.2f} after"
    odd = set(line["after"]["statuses"]) - {"200"} or line["after"]["faults"]
    return Target(what=what, reached=after <= BACK * before and not odd, measured=measured)


def title(line: Line) -> str:
    what = {"rows": ("row", "rows"), "customers": ("customer", "customers")}[line["what"]]
    many = f"{line['size']} {what[line['size'] > 1]}"
    how = "open loop" if line["open"] else f"{TIMES * INSIDE} connections"
    return f"{many}, {how}"


def said(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


def row(target: Target) -> str:
    """A row of the table."""
    word = {True: "yes", False: "**no**", None: "not measured"}[target.reached]
    return f"| {target.what} | {word} | {target.measured} |"
