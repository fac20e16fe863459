"""Writes `benchmarks/training.md` and its picture from the results of `benchmarks/training.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_picture import draw
from benchmarks.training_ranks import Estimate
from benchmarks.training_results import Results, held_out
from benchmarks.training_sets import table
from benchmarks.training_systems import OURS, SYSTEMS
from benchmarks.training_targets import targets
from lifecycle.whole import write_whole

METRICS = {"log_loss": "log-loss", "pr_auc": "PR-AUC", "roc_auc": "ROC-AUC", "ece": "ECE"}
COMPARED = ("log_loss", "pr_auc", "roc_auc")

HOW = """\
## How it was measured

Every (table, system, budget, seed) is a process of its own on the same {cores} cores, one at a
time. A system is given the training rows and the budget in its own way (`time_limit`,
`time_budget`, `timeout`, `budget`), log-loss as the metric, two threads and a seed. It never sees a
held-out label: its answers are judged outside by the same functions for everybody. Seconds are
those from the first call to a fitted model, imports apart; what a system takes beyond its budget
is shown and not punished.

- **Held-out rows** are the same for all systems. Where a table has time they are the newest, so
  that every seed has the same ones and a seed moves only the system; elsewhere they are a random
  quarter, another one with each seed. Onramp holds nothing back for a test of its own here
  (`test=0`) and writes no report, as the others write none.
- **What each is told.** The tables of columns are the same. Onramp also takes the time and the
  customer of a row, and cuts its folds by them; the peers fold at random, as they do by default.
  `--systems flaml_forward` measures FLAML with `split_type="time"`.
- **FLAML and AutoGluon** run from `benchmarks/training-peers.txt`. AutoGluon has LightGBM,
  CatBoost, XGBoost and scikit-learn's models, and neither torch nor ray: its neural networks are
  not here.
- **naive Optuna + SMOTE** is five-fold `cross_val_score` of one-hot, SMOTE and XGBoost, then a
  refit that comes on top of the budget. **LightGBMTuner** watches a quarter of the training rows
  and does not refit. **Default LightGBM** takes no budget: one run stands in both.
- **ECE** is over ten bins of equally many rows.
- **One row** is the middle of 300 single answers in process, by the cheapest input that the
  system's own public interface takes (Onramp: a dict of raw values; LightGBM: a row of codes; all
  others: a one-row frame), and by a one-row frame for everybody.
- **Trials** are what each system calls so: FLAML's may be on a sample of the rows, Onramp's may be
  pruned after a fold. AutoGluon counts none.
- **Mean ranks** are over tables and seeds; their intervals draw tables, then seeds within them.
  **Differences** are paired on the held-out rows, drawn by customer, with the spread of the seeds
  on top.

## What to make of it

- Ranks hide sizes and sizes hide ranks: read both. An interval that spans zero is a tie.
- The best peer of a table is picked with the held-out rows in hand, which nobody could have done
  beforehand: to tie with it everywhere is more than any one peer does.
- Iranian churn is near its ceiling and its held-out part is small: it cannot rank two good systems.
  Online Retail has little signal: all are near one another. Telco and the synthetic table are made
  up, and the synthetic one was made by us (its generator is `benchmarks/training_synthetic.py`).
- A handful of tables is few. They are customer tables with up to some hundred columns and 150,000
  rows to learn from; nothing is said about text, images, or tables with millions of rows.
- Budgets of hours were not measured. AutoGluon's stacks are made for them, where some hundred
  milliseconds a row do no harm.
"""


def write(results: Results, folder: Path) -> None:
    """Write the page and its picture.

    Raises:
        SystemExit: there is no table that all systems have gone through.
    """
    if not any(results.scores("log_loss", budget) for budget in results.budgets):
        raise SystemExit("Nothing can be compared yet: no table has a result of every system.")
    draw(results, folder / "training.svg")
    write_whole(folder / "training.md", "\n".join(page(results)) + "\n")


def page(results: Results) -> Iterator[str]:
    yield from head(results)
    yield from ["", "## What was to be reached", "", *targets(results)]
    for budget in results.budgets:
        yield from ["", f"## Mean rank at {budget} s", "", *rank_table(results, budget)]
    yield from ["", "## Onramp beside the best peer of each table", "", *beside_best(results)]
    for one in results.sets:
        yield from ["", f"## {one}", "", *set_tables(results, one)]
    yield from ["", HOW.format(cores=2), *versions(results)]
    days = sorted({str(line["at"])[:10] for line in results.lines.values()})
    commits = sorted({str(line["code"]) for line in results.lines.values()})
    yield f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} at {', '.join(commits)}."


def head(results: Results) -> Iterator[str]:
    """What this is, and how much of it is there."""
    have = sum(len(results.seeds(one, b, results.ranked)) for b in results.budgets
               for one in results.sets)  # fmt: skip
    seeds = sorted({cell.seed for cell in results.lines})
    whole = len(seeds) * len(results.sets) * len(results.budgets)
    failed = [cell.name for cell, line in results.lines.items() if "error" in line]
    yield "# Training at equal time"
    yield ""
    yield (
        f"{len(results.ranked)} systems, {len(results.sets)} tables, budgets of "
        f"{' and '.join(f'{b} s' for b in results.budgets)}, {len(seeds)} seeds. This page is "
        "written by `python benchmarks/training.py --report`."
    )
    if have < whole:
        yield f"\n**Not all of it was measured: {have} of {whole} rounds are complete.**"
    if failed:
        yield f"\nFailed, and ranked last: {', '.join(sorted(failed))}."
    yield ""
    yield "![Mean ranks with intervals, and log-loss beside the lowest](training.svg)"


def table_of(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Markdown; the first column is words, the others numbers."""
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'---:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def rank_table(results: Results, budget: int) -> Iterator[str]:
    found = {metric: results.ranks(metric, budget) for metric in METRICS}
    order = sorted(results.ranked, key=lambda name: found["log_loss"][name].value)
    rows = [
        [bold(name, SYSTEMS[name].title), *(spread(found[metric][name], 1) for metric in METRICS)]
        for name in order
    ]
    yield from table_of(["", *METRICS.values()], rows)


def beside_best(results: Results) -> Iterator[str]:
    """Onramp minus the best peer: for log-loss lower is better, for the areas higher."""
    rows = []
    for budget in results.budgets:
        for one in results.scores("log_loss", budget):
            row = [f"{one}, {budget} s"]
            for metric in COMPARED:
                best = results.best_peer(one, metric, budget)
                gap = results.difference(one, best, metric, budget)
                row.append(f"{spread(gap, 4, signed=True)} {SYSTEMS[best].title}" if gap else "")
            rows.append(row)
    yield "Onramp minus that peer: below zero is better in log-loss, above zero in the areas."
    yield ""
    yield from table_of(["", *(METRICS[metric] for metric in COMPARED)], rows)


def set_tables(results: Results, one: str) -> Iterator[str]:
    """What the table is, and what every system did with it: means over seeds."""
    found = table(one, results.place.scratch, results.place.data)
    seeds = [cell.seed for cell in results.lines if cell.set == one]
    parts = held_out(results.place, one, min(seeds))
    meta = found.meta
    yield (
        f"{meta.about[0].upper()}{meta.about[1:]}. {len(parts.train):,} rows to learn from, "
        f"{len(parts.test):,} held out ({parts.labels.mean():.1%} positive), {len(meta.names)} "
        f"columns, {len(meta.categories)} of them categories."
    )
    for budget in results.budgets:
        header = [f"{budget} s", *METRICS.values(), "seconds", "trials/s", "one row, ms",
                  "one-row frame, ms", "peak MiB"]  # fmt: skip
        shown = [name for name in SYSTEMS if results.values(one, name, budget, "seconds")]
        yield ""
        yield from table_of(header, [row_of(results, one, name, budget) for name in shown])


def row_of(results: Results, one: str, system: str, budget: int) -> list[str]:
    def mean(field: str, digits: int) -> str:
        values = [v for v in results.values(one, system, budget, field) if not np.isnan(v)]
        return f"{np.mean(values):,.{digits}f}" if values else "–"

    rate = float(np.mean(results.rates(one, system, budget)))
    return [
        bold(system, SYSTEMS[system].title),
        *(mean(metric, 4) for metric in METRICS),
        mean("seconds", 1),
        "–" if np.isnan(rate) else f"{rate:.2f}",
        mean("fastest_ms", 3),
        mean("frame_ms", 2),
        mean("peak_mib", 0),
    ]


def spread(one: Estimate, digits: int, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    value, low, high = (f"{v:{sign}.{digits}f}" for v in (one.value, one.low, one.high))
    return f"{value} [{low}, {high}]"


def bold(system: str, title: str) -> str:
    return f"**{title}**" if system == OURS else title


def versions(results: Results) -> Iterator[str]:
    """Of the libraries in both environments."""
    for ours, place in ((True, "Onramp's environment"), (False, "The peers'")):
        found: dict[str, str] = {}
        for cell, line in results.lines.items():
            if SYSTEMS[cell.system].ours == ours:
                found |= line.get("libraries", {})
                found |= {"Python": line["python"]} if "python" in line else {}
        if found:
            yield f"{place}: {', '.join(f'{name} {v}' for name, v in sorted(found.items()))}."
