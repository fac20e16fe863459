"""The same rows and seed are the same bytes: on any number of threads, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from threadpoolctl import threadpool_info

from lifecycle.space import Algorithm
from tests.training.canary_rows import Asked, problem
from training.balancing.balance import Balance, rebalance
from training.boosters import Rows, prepare

ROOT = Path(__file__).resolve().parents[2]
PARAMS = {
    "lightgbm": {"num_leaves": 15, "feature_fraction": 0.7, "bagging_fraction": 0.7,
                 "bagging_freq": 1, "learning_rate": 0.1},
    "xgboost": {"max_depth": 4, "subsample": 0.7, "colsample_bytree": 0.7, "learning_rate": 0.1},
}  # fmt: skip
CASES: tuple[tuple[Algorithm, int], ...] = (
    ("lightgbm", 2), ("lightgbm", 3), ("xgboost", 2), ("xgboost", 3),
)  # fmt: skip


def fitted_bytes(algorithm: Algorithm, classes: int) -> str:
    """Digest of a booster's file: drawn rows, drawn columns, SMOTE, early stopping, categories."""
    asked = problem(Asked(customers=400, classes=classes))
    fit, watch = asked.folds[1]
    rows = rebalance(asked.matrix[fit], asked.labels[fit], (5,), Balance(method="smotenc"), 3)
    prepared = prepare(
        algorithm,
        asked.encoder,
        Rows(matrix=rows.matrix, labels=rows.labels),
        Rows(matrix=asked.matrix[watch], labels=asked.labels[watch]),
        asked.settings,
    )
    with TemporaryDirectory() as scratch:
        prepared.fit(PARAMS[algorithm], asked.settings).save(Path(scratch))
        (saved,) = Path(scratch).iterdir()
        return blake2b(saved.read_bytes(), digest_size=16).hexdigest()


def test_another_process_with_more_threads_fits_the_same_bytes() -> None:
    """Four OpenMP threads and another hash seed, against this process's own: no byte differs."""
    script = (
        "from tests.training.test_determinism import CASES, fitted_bytes, most_threads\n"
        "print(most_threads(), *(fitted_bytes(*case) for case in CASES))"
    )
    given = {"OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, env={**os.environ, **given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    threads, *digests = done.stdout.split()
    assert int(threads) == 4
    assert tuple(digests) == tuple(fitted_bytes(*case) for case in CASES)


def most_threads() -> int:
    """What OpenMP would use if it were let."""
    return max(int(pool["num_threads"]) for pool in threadpool_info())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_fits_side_by_side_do_not_meet(case: tuple[Algorithm, int]) -> None:
    """Four at once in threads of one process are what one alone is."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fitted_bytes(*case), range(4)))
    assert set(found) == {fitted_bytes(*case)}
