"""Starts the processes that lend a hand, and ends them."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lifecycle.space import MOST_WORKERS
from training.folds import Problem
from training.search import carry
from training.search.plan import Plan

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FEW = 8  # trials that are over before a worker has loaded its libraries
PATIENCE_SECONDS = 10.0  # for a worker that is told to end

log = logging.getLogger(__name__)


@contextmanager
def crew(plan: Plan, stages: Sequence[Problem], leader: str, folder: Path) -> Iterator[None]:
    """Run `plan.workers` − 1 processes beside this one for the block.

    What they read lies in `folder`, beside the study and not among the system's temporary files:
    after a kill, the next search of the same name clears it away.
    """
    shutil.rmtree(folder, ignore_errors=True)
    helpers = min(plan.workers, MOST_WORKERS) - 1
    over_at_once = plan.trials is not None and plan.trials <= FEW
    if helpers < 1 or over_at_once:
        yield
        return
    folder.mkdir(parents=True, mode=0o700)  # a storage's URL may hold a password
    try:
        carry.write(folder, carry.Carried(plan=plan, stages=tuple(stages), leader=leader))
        processes = [start(folder, i) for i in range(helpers)]
        try:
            yield
        finally:
            stop(processes, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    """Start one; it ends when the pipe to it closes, as it does when we die."""
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    with (folder / f"worker-{number}.err").open("wb") as errors:
        return subprocess.Popen(  # noqa: S603  our own module, by the interpreter that runs us
            [sys.executable, "-m", "training.search.worker", str(folder)],
            stdin=subprocess.PIPE, stdout=errors, stderr=errors, env=environment,
        )  # fmt: skip


def stop(processes: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Close all pipes, then wait; say so when one had ended by itself, as none should."""
    for number, process in enumerate(processes):
        ended = process.poll()
        if ended is not None:
            words = (folder / f"worker-{number}.err").read_text("utf-8", "replace").splitlines()
            said = f": {words[-1]}" if words else ""
            log.warning("A worker of the search ended early with code %d%s.", ended, said)
        if process.stdin is not None:
            process.stdin.close()
    for process in processes:
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
