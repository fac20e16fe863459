"""Starts the processes that lend a hand, sets them to work, and ends them.

They take seconds to load their libraries: they are called before there is work, and wait for it.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lifecycle.space import MOST_WORKERS
from training.folds import Problem
from training.search import carry
from training.search.plan import Plan

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FEW = 8  # trials that are over before a worker has loaded its libraries
PATIENCE_SECONDS = 10.0  # for a worker that is told to end

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A process that waits on its standard input for the folder of a search."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    @property
    def ear(self) -> IO[bytes]:
        """Its standard input: it ends when this closes, as it does when we die."""
        ear = self.process.stdin
        assert ear is not None  # noqa: S101  we started it with a pipe
        return ear

    def last_words(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else ""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Processes beside this one, idle until a search has work."""

    members: Sequence[Member]

    @contextmanager
    def at_work(
        self, plan: Plan, stages: Sequence[Problem], leader: str, folder: Path
    ) -> Iterator[None]:
        """Let all of them work on the plan's study for the block; they end with it.

        What they read lies in `folder`, beside the study and not among the system's temporary
        files: after a kill, the next search of the same name clears it away.
        """
        shutil.rmtree(folder, ignore_errors=True)
        if not self.members:
            yield
            return
        folder.mkdir(parents=True, mode=0o700)  # a storage's URL may hold a password
        try:
            carry.write(folder, carry.Carried(plan=plan, stages=tuple(stages), leader=leader))
            for member in self.members:
                tell(member, folder)
            try:
                yield
            finally:
                stop(self.members)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def called(workers: int, trials: int | None) -> Iterator[Crew]:
    """Start the processes of a search, `workers` − 1, and end them with the block.

    Args:
        workers: of the search, this process among them.
        trials: that it is to finish; None: as many as time allows.
    """
    over_at_once = trials is not None and trials <= FEW
    count = 0 if over_at_once else min(workers, MOST_WORKERS) - 1
    members = [start() for _ in range(count)]
    try:
        yield Crew(members=members)
    finally:
        stop(members)


def start() -> Member:
    """Start one, which loads its libraries and waits."""
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with its process
    process = subprocess.Popen(  # our own module, by the interpreter that runs us
        [sys.executable, "-m", "training.search.worker"],
        stdin=subprocess.PIPE, stdout=errors, stderr=errors, env=environment,
    )  # fmt: skip
    return Member(process=process, errors=errors)


def tell(member: Member, folder: Path) -> None:
    """Name the folder; one that ended by itself is spoken of when the crew is stopped."""
    try:
        member.ear.write(f"{folder}\n".encode())
        member.ear.flush()
    except BrokenPipeError:
        return


def stop(members: Sequence[Member]) -> None:
    """Close all pipes, then wait; say so when one had ended by itself, as none should."""
    standing = [member for member in members if not member.errors.closed]
    for member in standing:
        ended = member.process.poll()
        if ended is not None:
            words = member.last_words()
            said = f": {words}" if words else ""
            log.warning("A worker of the search ended early with code %d%s.", ended, said)
        try:
            member.ear.close()
        except BrokenPipeError:  # it ended before it read what it was told
            continue
    for member in standing:
        try:
            member.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            member.process.kill()
            member.process.wait()
        member.errors.close()
