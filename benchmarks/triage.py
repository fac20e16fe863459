"""Does triage cry wolf, does it see the wolf, and what does a year under it cost?

    nice python -m benchmarks.triage [--null 200] [--runs 100] [--years 2] [--jobs 1]
    python -m benchmarks.triage --report [--to FOLDER]

Prediction logs are made as arrays and handed to the functions that Onramp itself weighs windows,
decides, splits and judges by. Every run is one JSON line, so that what was ended is carried on;
`triage.md` and `triage.svg` are written from them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import click
from threadpoolctl import threadpool_limits

from benchmarks.gate import lines, work_off
from benchmarks.triage_look import Served, named
from benchmarks.triage_model import make
from benchmarks.triage_world import DELAY, START, WEEK, Plant, Truth, World, planted, together
from benchmarks.triage_year import POLICIES, lived

ROOT = Path(__file__).resolve().parents[1]
ROWS = 1_000  # customers a week, in quiet weeks and in planted ones
LEARNED = 12  # weeks that the first model learns from
STRETCH = 25  # quiet weeks that one model serves
AT = 8  # the week in which something is planted
PLANTS: tuple[Plant, ...] = ("prior shift", "covariate shift", "concept drift", "broken pipe")
DEAR = "weekly, window chosen"  # 52 choices of a window cost more than all the rest of a year
OF_LABELS = ("prior shift", "concept drift")


def served(seed: int, truth: Truth) -> Served:
    """A model that learned before the first week, and has answered since."""
    week = lru_cache(maxsize=None)(World(seed=seed, rows=ROWS, truth=truth).week)
    before = together([week(number) for number in range(-LEARNED - 4, -4)])
    return Served.of(week, make(before, 1, START - 4 * WEEK, fresh=False))


def quiet(seed: int, weeks: int) -> str:
    """Weeks in which nothing happens: every verdict but *ignore* is a false alarm."""
    begun = time.process_time()
    with threadpool_limits(limits=1):
        found = named(served(seed, Truth()), range(1, weeks + 1))
    return json.dumps({"what": "quiet", "seed": seed, "verdicts": found,
                       "seconds": time.process_time() - begun})  # fmt: skip


def power(plant: Plant, seed: int) -> str:
    """Something is planted; the looks at the first two windows that can show it.

    What only labels can show is looked for when the labels of those windows have come.
    """
    begun = time.process_time()
    first = AT + 1 + (DELAY if plant in OF_LABELS else 0)
    with threadpool_limits(limits=1):
        found = named(served(10_000 + seed, planted(plant, AT, seed)), (first, first + 1))
    return json.dumps({"what": "power", "plant": plant, "seed": seed, "verdicts": found,
                       "seconds": time.process_time() - begun})  # fmt: skip


def year(policy: str, seed: int) -> str:
    begun = time.process_time()
    with threadpool_limits(limits=1):
        line = json.loads(lived(policy, 50_000 + seed))
    return json.dumps({**line, "seed": seed, "seconds": time.process_time() - begun})


def key(line: dict[str, Any]) -> tuple[Any, ...]:
    """What was measured; a quiet stretch of another length is another."""
    weeks = len(line["verdicts"]) if line["what"] == "quiet" else 0
    return line["what"], line.get("plant", line.get("policy", weeks)), line["seed"]


def work(null: int, runs: int, years: int) -> Iterator[tuple[tuple[Any, ...], Callable[[], str]]]:
    """Everything that is measured, by its key; some of each comes early, what is dear last."""
    stretches = [min(STRETCH, null - start) for start in range(0, null, STRETCH)]
    early = [(policy, 0) for policy in POLICIES if policy != DEAR]
    late = [(DEAR, 0), *((policy, seed) for seed in range(1, years) for policy in POLICIES)]
    for policy, seed in early:
        yield ("year", policy, seed), partial(year, policy, seed)
    for seed in range(max(runs, len(stretches))):
        for plant in PLANTS if seed < runs else ():
            yield ("power", plant, seed), partial(power, plant, seed)
        for weeks in stretches[seed : seed + 1]:
            yield ("quiet", weeks, seed), partial(quiet, seed, weeks)
    for policy, seed in late:
        yield ("year", policy, seed), partial(year, policy, seed)


@click.command()
@click.option("--null", default=200, show_default=True, type=click.IntRange(min=1),
              help="Windows in which nothing happens.")  # fmt: skip
@click.option("--runs", default=100, show_default=True, type=click.IntRange(min=1),
              help="Of each thing that is planted.")  # fmt: skip
@click.option("--years", default=2, show_default=True, type=click.IntRange(min=1),
              help="Under each policy.")  # fmt: skip
@click.option("--jobs", default=1, show_default=True, help="Processes, of one thread each.")
@click.option("--report", is_flag=True, help="Write the report of what is there; measure nothing.")
@click.option("--to", default=Path(__file__).parent, type=click.Path(path_type=Path),
              help="Where the report goes.")  # fmt: skip
@click.option("--scratch", default=ROOT / ".onramp-benchmark", type=click.Path(path_type=Path))
def main(  # noqa: PLR0913, PLR0917  # one argument an option: click hands them over
    null: int, runs: int, years: int, jobs: int, report: bool, to: Path, scratch: Path
) -> None:
    """Measure what was not measured yet, and write the report."""
    from benchmarks.triage_report import write  # noqa: PLC0415  draws: not in every process

    folder = scratch.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "triage.jsonl"
    wanted = dict(work(null, runs, years))
    if not report:
        done = {key(json.loads(line)) for line in lines(path)}
        work_off(path, "triage", jobs, [act for one, act in wanted.items() if one not in done])
    write([line for line in map(json.loads, lines(path)) if key(line) in wanted], to)


if __name__ == "__main__":
    main()
