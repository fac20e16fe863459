"""Training at equal time on the same two cores: Onramp, its peers, and the same held-out rows.

Run: python benchmarks/training.py [--sets a,b] [--systems a,b] [--budgets 30,120] [--seeds 3]
     python benchmarks/training.py --report [--to FOLDER]

Each (table, system, budget, seed) is a process of its own, held to two cores. It is given the
training rows and the features of the held-out rows; their labels stay here. It is judged by
`lifecycle.metrics` on what it answers. Every result is one JSON line, so that a run that was
ended is carried on; `--again` runs what is there already, and the newest line counts. The peers
live in an environment of their own, because neither FLAML (XGBoost below 3) nor AutoGluon
(pyarrow below 25) can be installed beside our pins:

    python -m venv .peers && .peers/bin/pip install -r benchmarks/training-peers.txt
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from queue import Queue
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Failed, measure
from benchmarks.training_results import Cell, Place, Results, read
from benchmarks.training_sets import DATA, LABEL, SETS, Cut, cut, table
from benchmarks.training_systems import SYSTEMS
from lifecycle.metrics import measure as judge
from lifecycle.whole import write_whole

ROOT = Path(__file__).resolve().parents[1]
CELL = str(Path(__file__).with_name("training_cell.py"))
CORES = 2
GRACE = 300.0  # seconds beyond three budgets after which a system is ended
SHOWN = ("roc_auc", "pr_auc", "log_loss", "ece")


def cells(sets: list[str], systems: list[str], budgets: list[int], seeds: range) -> Iterator[Cell]:
    """Every cell once; a whole round of seed 0 first, so that a part is a fair part."""
    for seed in seeds:
        for budget in budgets:
            for one in sets:
                for system in systems:
                    if SYSTEMS[system].budgeted:
                        yield Cell(set=one, system=system, budget=budget, seed=seed)
                    elif budget == budgets[0]:
                        yield Cell(set=one, system=system, budget=0, seed=seed)


def handed_out(place: Place, cell: Cell) -> tuple[Path, Cut]:
    """Write what the system may see; a timed table has one cut for every seed."""
    whole = table(cell.set, place.scratch, place.data)
    parts = cut(whole, cell.seed)
    folder = place.folder(f"cuts/{cell.set}-{'all' if whole.meta.timed else cell.seed}")
    if not (folder / "meta.json").exists():
        parts.train.to_parquet(folder / "train.parquet", index=False)
        parts.test.to_parquet(folder / "test.parquet", index=False)
        write_whole(folder / "meta.json", json.dumps(asdict(whole.meta)))
    return folder, parts


def run(place: Place, cell: Cell, cores: list[int]) -> dict[str, Any]:
    """Measure one cell and append its line."""
    folder, parts = handed_out(place, cell)
    line: dict[str, Any] = {
        "cell": asdict(cell),
        "rows": [len(parts.train), len(parts.test)],
        "positives": float(parts.train[LABEL].mean()),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": os.getloadavg()[0],
        "code": code(),
    }
    system, answers = SYSTEMS[cell.system], place.answers(cell)
    try:
        taken = measure(
            CELL, cell.system, str(folder), str(cell.budget), str(cell.seed),
            ",".join(map(str, cores)), str(answers),
            python=sys.executable if system.ours else str(place.peers),
            log=place.folder("logs") / f"{cell.name}.log",
            limit=3 * cell.budget + GRACE,
        )  # fmt: skip
    except Failed as failed:
        line["error"] = str(failed)
    else:
        line |= taken.said | {"wall": taken.seconds, "peak_mib": taken.peak_mib}
        line["metrics"] = judge("binary", parts.labels, np.load(answers))
    append(place.results, line)
    return line


def append(results: Path, line: dict[str, Any]) -> None:
    """Add a line, on a line of its own even where a kill cut the last one short."""
    with results.open("ab+") as file:
        cut_short = file.tell() and not results.read_bytes().endswith(b"\n")
        file.write(b"\n" * bool(cut_short) + json.dumps(line).encode() + b"\n")


@cache
def code() -> str:
    """The commit that is measured, where there is one."""
    found = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return str(found.stdout).strip() or "unknown"


def told(line: dict[str, Any]) -> str:
    """One line for whoever watches."""
    cell = Cell(**line["cell"])
    begin = f"{cell.set:15}{SYSTEMS[cell.system].title:26}{cell.budget:>5} s  seed {cell.seed}  "
    if "error" in line:
        return begin + line["error"]
    metrics = "  ".join(f"{name} {line['metrics'][name]:.4f}" for name in SHOWN)
    trials = "" if line["trials"] is None else f"  {line['trials'] / line['seconds']:.2f} trials/s"
    return (
        f"{begin}{metrics}  {line['seconds']:.1f} s{trials}  "
        f"row {line['fastest_ms']:.3f} ms, frame {line['frame_ms']:.2f} ms  {line['notes']}"
    )


def run_all(place: Place, wanted: list[Cell], jobs: int) -> None:
    """Each job has two cores of its own."""
    free: Queue[list[int]] = Queue()
    mine = sorted(os.sched_getaffinity(0))
    if jobs * CORES > len(mine):
        raise click.UsageError(f"{jobs} jobs need {jobs * CORES} cores, there are {len(mine)}.")
    for job in range(jobs):
        free.put(mine[job * CORES : (job + 1) * CORES])

    def one(cell: Cell) -> None:
        cores = free.get()
        try:
            click.echo(told(run(place, cell, cores)))
        finally:
            free.put(cores)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, wanted))


def words(known: tuple[str, ...], default: tuple[str, ...]) -> Any:
    """An option that takes names separated by commas."""

    def parse(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:  # noqa: ARG001
        found = value.split(",") if value else list(default)
        for name in found:
            if name not in known:
                raise click.BadParameter(f"no {name!r}; there are {', '.join(known)}")
        return found

    return parse


@click.command()
@click.option("--sets", default="", callback=words(tuple(SETS), tuple(SETS)))
@click.option("--systems", default="", callback=words(
    tuple(SYSTEMS), tuple(name for name, one in SYSTEMS.items() if one.ranked)))  # fmt: skip
@click.option("--budgets", default="30,120", show_default=True, help="Seconds, by comma.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--first-seed", default=0, show_default=True)
@click.option("--jobs", default=1, show_default=True, help="At once, on two cores each.")
@click.option("--again", is_flag=True, help="Measure also what was measured.")
@click.option("--report", is_flag=True, help="Write training.md and .svg; measure nothing.")
@click.option("--to", default=Path(__file__).parent, type=click.Path(path_type=Path),
              help="Where the report goes.")  # fmt: skip
@click.option("--scratch", default=ROOT / ".onramp-benchmark", type=click.Path(path_type=Path))
@click.option("--results", type=click.Path(path_type=Path), help="JSON lines; in scratch.")
@click.option("--data", default=DATA, type=click.Path(path_type=Path))
@click.option("--peers", default=ROOT / ".peers" / "bin" / "python",
              type=click.Path(path_type=Path), help="The peers' interpreter.")  # fmt: skip
def main(  # noqa: PLR0913, PLR0917  # one argument an option: click hands them over
    sets: list[str], systems: list[str], budgets: str, seeds: int, first_seed: int, jobs: int,
    again: bool, report: bool, to: Path, scratch: Path, results: Path | None, data: Path,
    peers: Path,
) -> None:  # fmt: skip
    """Measure what was not measured yet, or write the report."""
    scratch.mkdir(parents=True, exist_ok=True)
    place = Place(
        scratch=scratch.resolve(), results=results or scratch / "results.jsonl", data=data,
        peers=peers,
    )  # fmt: skip
    if report:
        from benchmarks.training_report import write  # noqa: PLC0415  draws: not when measuring

        write(Results(place, read(place.results)), to)
        return
    if not all(SYSTEMS[name].ours for name in systems) and not shutil.which(str(peers)):
        raise click.UsageError(f"No interpreter at {peers}. The head of this file makes one.")
    done = {} if again else {c: one for c, one in read(place.results).items() if "error" not in one}
    rounds = range(first_seed, first_seed + seeds)
    wanted = list(cells(sets, systems, [int(one) for one in budgets.split(",")], rounds))
    run_all(place, [cell for cell in wanted if cell not in done], jobs)


if __name__ == "__main__":
    main()
