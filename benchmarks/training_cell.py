"""One system on one table for one budget and seed, in a process of its own.

Run by benchmarks/training.py: SYSTEM FOLDER-OF-THE-CUT BUDGET SEED CORES PREDICTIONS.npy
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ANSWERS, ANSWER_SECONDS, WARM = 300, 3.0, 5
ROWS = 50  # different ones, asked in turn
LIBRARIES = ("lightgbm", "xgboost", "catboost", "scikit-learn", "optuna", "flaml",
             "autogluon.tabular", "numpy", "pandas")  # fmt: skip


def main() -> None:
    """Fit, answer the held-out rows, and say what it took."""
    system, cut, budget, seed, cores, target = sys.argv[1:]
    mine = {int(core) for core in cores.split(",")}
    os.sched_setaffinity(0, mine)  # before any library counts the cores
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        told = run(system, Path(cut), (int(budget), int(seed), len(mine)), Path(folder), target)
    print(json.dumps(told, default=str))


def run(
    name: str, cut: Path, numbers: tuple[int, int, int], folder: Path, target: str
) -> dict[str, object]:
    import numpy as np  # noqa: PLC0415  after the cores are set
    import pandas as pd  # noqa: PLC0415  the same

    from benchmarks.training_systems import SYSTEMS, Asked  # noqa: PLC0415  the same

    fit = SYSTEMS[name].function()
    meta = json.loads((cut / "meta.json").read_text(encoding="utf-8"))
    budget, seed, cores = numbers
    asked = Asked(
        train=pd.read_parquet(cut / "train.parquet"), budget=budget, seed=seed, cores=cores,
        folder=folder, timed=meta["timed"], moments=meta["moments"],
        features=tuple((feature, kind) for feature, kind in meta["features"]),
    )  # fmt: skip
    began, cpu = time.perf_counter(), os.times()
    answer = fit(asked)
    spent, seconds = os.times(), time.perf_counter() - began
    test = pd.read_parquet(cut / "test.parquet")
    single = [test.iloc[[place]] for place in range(min(ROWS, len(test)))]
    np.save(target, answer.predict(test).astype(np.float64))
    return {
        "seconds": seconds,
        "cpu": sum(spent[:4]) - sum(cpu[:4]),
        "trials": answer.trials,
        "searching": answer.searching,
        "fastest_ms": middle([answer.one(row) for row in single]),
        "frame_ms": middle([partial(answer.predict, row) for row in single]),
        "notes": dict(answer.notes),
        "python": platform.python_version(),
        "libraries": dict(filter(None, map(installed, LIBRARIES))),
    }


def middle(calls: list[Callable[[], object]]) -> float:
    """Milliseconds of the middle one of 300 single answers, or of as many as 3 s allow."""
    for call in calls[:WARM]:
        call()
    taken: list[float] = []
    until = time.perf_counter() + ANSWER_SECONDS
    while len(taken) < ANSWERS and time.perf_counter() < until:
        began = time.perf_counter()
        calls[len(taken) % len(calls)]()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2] * 1000


def installed(name: str) -> tuple[str, str] | None:
    try:
        return name, version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
