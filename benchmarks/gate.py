"""Two hundred pairs of equal models, and two hundred with a true gain: whom does the gate promote?

    nice python -m benchmarks.gate [--pairs 200] [--customers 1000,2000,3000] [--jobs 2]
    python -m benchmarks.gate --report [--to FOLDER]

Customers are simulated once and their features built once. Some hundred small models learn from
random halves of some of them; what each is truly worth is measured on 50,000 others, so that
equal, better and worse are facts. Each pair is then judged on samples of its own, by Onramp's
judge and by the rules that public projects use. Every model and every verdict is one JSON line,
so that a run that was ended is carried on; `gate.md` and `gate.svg` are written from them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
from threadpoolctl import threadpool_limits

from benchmarks.gate_duels import Duel, duels, met, sample
from benchmarks.gate_models import Known, Recipe, learned, recipes
from benchmarks.gate_rules import OURS, case, promotes, verdicts
from benchmarks.gate_world import TOLD, World, read

ROOT = Path(__file__).resolve().parents[1]
ANSWERS, MODELS = "answers", "models.jsonl"


@cache
def the_world(folder: Path) -> World:
    """Read once in each process."""
    return read(folder)


def learn(folder: Path, recipe: Recipe) -> str:
    """Fit one model; returns its line."""
    with threadpool_limits(limits=1):
        return learned(the_world(folder), recipe, folder / ANSWERS).line()


def meet(folder: Path, work: tuple[Duel, Known, Known, int]) -> str:
    """Judge one pair on one sample; returns its line."""
    one, challenger, champion, customers = work
    begun = time.process_time()
    world = the_world(folder)
    with threadpool_limits(limits=1):
        drawn = sample(world, one, customers)
        here = case(met(world, folder / ANSWERS, (challenger, champion), drawn))
        found = verdicts(here)
    seen = {
        "ROC-AUC": here.difference("roc_auc"),
        "log-loss": here.difference("log_loss"),
        "ROC-AUC, rows for witnesses": here.by_row,
    }
    line = {
        "duel": asdict(one),
        "customers": customers,
        "rows": here.evidence.rows,
        "positives": here.evidence.positives,
        "promotes": promotes(here, found),
        "intervals": {name: [gap.value, gap.low, gap.high] for name, gap in seen.items()},
        "against": [f.rule for f in found[OURS].findings if f.outcome != "passed"],
        "learned": here.met.learned,
        "seconds": time.process_time() - begun,
    }
    return json.dumps(line)


def lines(path: Path) -> list[str]:
    """Whole lines; one that a kill cut short is none, and is made again."""
    if not path.exists():
        return []
    return [line for line in path.read_text().split("\n")[:-1] if line.endswith("}")]


def work_off(path: Path, tell: str, jobs: int, work: Iterable[Callable[[], str]]) -> None:
    """Do everything, and append each line as it comes."""
    todo, begun = list(work), time.monotonic()
    if not todo:
        return
    kept = lines(path)
    with ProcessPoolExecutor(jobs) as pool, path.open("w") as file:
        file.writelines(f"{line}\n" for line in kept)
        file.flush()  # a kill before the first result must not lose what was there
        for done, one in enumerate(as_completed([pool.submit(each) for each in todo]), 1):
            file.write(f"{one.result()}\n")
            file.flush()
            if done % max(1, len(todo) // 20) == 0:
                taken = time.monotonic() - begun
                click.echo(f"{tell}: {done:,} of {len(todo):,}, {taken:,.0f} s")


def known(folder: Path, pairs: int) -> list[Known]:
    """The models that are there of those that so many pairs need, in the order of recipes."""
    there = {one.recipe: one for one in map(Known.of, lines(folder / MODELS))}
    return [there[one] for one in recipes(pairs) if one in there]


def fit_all(folder: Path, pairs: int, jobs: int) -> None:
    """Fit every model that so many pairs need and that is not there yet."""
    (folder / ANSWERS).mkdir(exist_ok=True)
    done = {one.recipe for one in known(folder, pairs)}
    work = [partial(learn, folder, one) for one in recipes(pairs) if one not in done]
    work_off(folder / MODELS, "models", jobs, work)


def judge_all(folder: Path, path: Path, pairs: int, sizes: list[int], jobs: int) -> None:
    """Judge every pair on a sample of each size that it was not judged on yet."""
    models = known(folder, pairs)
    done = {(Duel(**line["duel"]), line["customers"]) for line in map(json.loads, lines(path))}
    by_name = {one.name: one for one in models}
    work = [
        (one, by_name[one.challenger], by_name[one.champion], size)
        for one in duels(models, pairs)
        for size in sizes
        if (one, size) not in done
    ]
    work_off(path, "verdicts", jobs, [partial(meet, folder, each) for each in work])


def told(path: Path, models: list[Known], pairs: int, sizes: list[int]) -> list[dict[str, Any]]:
    """The verdicts on the pairs that these models make, on samples of these sizes."""
    wanted = set(duels(models, pairs)) if models else set()
    return [
        line
        for line in map(json.loads, lines(path))
        if Duel(**line["duel"]) in wanted and line["customers"] in sizes
    ]


def whole_numbers(ctx: click.Context, param: click.Parameter, value: str) -> list[int]:  # noqa: ARG001
    """An option that takes sizes separated by commas."""
    try:
        return sorted({int(one) for one in value.split(",")})
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of whole numbers.") from error


@click.command()
@click.option("--pairs", default=200, show_default=True, type=click.IntRange(min=1),
              help="Of equals, with a gain, and with a loss: as many of each.")  # fmt: skip
@click.option("--customers", "sizes", default="1000,2000,3000", show_default=True,
              callback=whole_numbers, help="In an evaluation sample, by comma.")  # fmt: skip
@click.option("--learners", default=8_000, show_default=True, help="Customers to learn from.")
@click.option("--true", default=50_000, show_default=True, help="Customers who are the truth.")
@click.option("--jobs", default=2, show_default=True, help="Processes, of one thread each.")
@click.option("--report", is_flag=True, help="Write the report of what is there; measure nothing.")
@click.option("--to", default=Path(__file__).parent, type=click.Path(path_type=Path),
              help="Where the report goes.")  # fmt: skip
@click.option("--scratch", default=ROOT / ".onramp-benchmark", type=click.Path(path_type=Path))
def main(  # noqa: PLR0913, PLR0917  # one argument an option: click hands them over
    pairs: int, sizes: list[int], learners: int, true: int, jobs: int, report: bool, to: Path,
    scratch: Path,
) -> None:  # fmt: skip
    """Measure what was not measured yet, and write the report."""
    from benchmarks.gate_report import write  # noqa: PLC0415  draws: not in every process

    folder = (scratch / f"gate-{learners}-{true}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"verdicts-{pairs}.jsonl"
    if not report:
        if not (folder / TOLD).exists():
            from benchmarks.gate_make import make  # noqa: PLC0415  Feast takes seconds

            make(folder, learners, true)
        fit_all(folder, pairs, jobs)
        judge_all(folder, path, pairs, sizes, jobs)
    if not (folder / TOLD).exists():
        raise click.UsageError(f"There is nothing in {folder}: measure first, without --report.")
    models = known(folder, pairs)
    write(told(path, models, pairs, sizes), models, the_world(folder), to)


if __name__ == "__main__":
    main()
