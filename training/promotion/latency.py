"""What a version costs whoever serves it: the time of one answer, and the size of its files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pandas as pd

from lifecycle.scorer import records
from training.model import Scorer, Value

ROUNDS = 3
ROWS = 200  # in a round; one takes a fraction of a millisecond
MS = 1_000.0
MB = 1_000_000


def latency_ms(scorer: Scorer, frame: pd.DataFrame) -> float:
    """Milliseconds that one row takes through `Scorer.score_rows`, encoding included.

    The median of single rows, and of three rounds the best: a busy machine only ever adds.

    Args:
        scorer: of the version.
        frame: rows with its features; the first 200 are asked. None: NaN.
    """
    rows = records(frame.head(ROWS)[list(scorer.encoder.names)])
    if not rows:
        return float("nan")
    scorer.score_rows(rows[:1])  # the first call loads what the others find
    return min(median(taken(scorer, row) for row in rows) for _ in range(ROUNDS))


def taken(scorer: Scorer, row: Mapping[str, Value]) -> float:
    """Milliseconds of one answer."""
    began = time.perf_counter()
    scorer.score_rows([row])
    return (time.perf_counter() - began) * MS


def size_mb(folder: Path) -> float:
    """Megabytes (10⁶ bytes) of every file below the folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB
