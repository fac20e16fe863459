"""Whether the databases can be read, the ledger is whole, jobs have living workers.

And whether anything unfinished lies about.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lifecycle.home import Home
from lifecycle.job import held
from lifecycle.job_states import WORKING
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.worker import alive
from training.promotion.doctor.finding import Ailment, Finding

STALE_SECONDS = 3600.0  # nobody writes one file for an hour without a byte
UNFINISHED, SPILL = ".unfinished", "spill-"  # `lifecycle.whole` and its like; `features.bounded`
NAMED = 5


def check_mlflow(home: Home) -> Iterator[Ailment]:
    """MLflow's embedded database, before MLflow is: it would try a damaged one for an hour."""
    path = home.mlflow_file
    problem = unreadable(path) if path and path.exists() else ""
    if path and problem:
        yield Ailment(
            finding=Finding(
                check="MLflow's database",
                what=f"{path.name} cannot be read, so neither runs nor versions can.",
                found=f"SQLite says: {problem}.",
                do="Restore it from a backup. No version was examined.",
            )
        )


def unreadable(path: Path) -> str:
    """What SQLite finds wrong with the file; empty: nothing."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else str(found)


def check_chain(home: Home) -> Iterator[Ailment]:
    """Rows that were edited, removed or put in. Nothing brings a row back."""
    broken = Ledger(home).verify()
    if broken:
        told = "; ".join(f"row {one.number}: {one.what}" for one in broken[:NAMED])
        more = f"; and {len(broken) - NAMED} more" if broken[NAMED:] else ""
        yield Ailment(
            finding=Finding(
                check="ledger chain",
                what="The ledger was changed by something else than Onramp.",
                found=f"{told}{more}.",
                do=f"Compare it with a backup of {home.platform.name}; `onramp history --verify` "
                "names every row.",
            )
        )


def check_jobs(home: Home) -> Iterator[Ailment]:
    """Jobs that a dead worker has claimed, by the rule by which the next would take them over."""
    jobs = Jobs(home)
    for job in jobs.read():
        if job.state in WORKING and not held(job, alive, jobs.clock()):
            yield Ailment(
                finding=Finding(
                    check="dead worker",
                    task=job.task,
                    what=f"Job {job.id} of {job.task} is claimed by a worker that is dead.",
                    found=f"Worker {job.worker}, last heard of at {job.heartbeat_at}.",
                    do=f"`onramp retrain {job.task}` takes it over, too.",
                    mend="give the job back, for the next `onramp retrain`",
                ),
                cure=partial(jobs.release, job),  # while the very same worker has it
            )


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A file or folder that a killed process was writing."""

    path: Path
    size: int


def check_leftovers(home: Home) -> Iterator[Ailment]:
    """Files that never came to be. Locks are not among them: one dies with its holder."""
    found = leftovers(home, time.time() - STALE_SECONDS)
    if found:
        names = ", ".join(str(one.path.relative_to(home.root)) for one in found[:NAMED])
        more = f" and {len(found) - NAMED} more" if found[NAMED:] else ""
        size = sum(one.size for one in found) / 1e6
        yield Ailment(
            finding=Finding(
                check="unfinished files",
                what=f"{len(found)} unfinished files of killed processes lie about.",
                found=f"{names}{more}: {size:,.1f} MB, untouched for an hour. Nothing reads them.",
                do="Delete them.",
                mend="delete them",
            ),
            cure=partial(delete, found),
        )


def leftovers(home: Home, before: float) -> tuple[Leftover, ...]:
    """What bears an unfinished name and was last written before then (seconds since 1970)."""
    found = []
    for root, folders, files in os.walk(home.root):
        here = Path(root)
        if here == home.artifacts:
            folders.clear()  # MLflow's own
            continue
        left = [name for name in folders if name.endswith(UNFINISHED) or name.startswith(SPILL)]
        folders[:] = [name for name in folders if name not in left]
        for name in (*left, *(name for name in files if name.endswith(UNFINISHED))):
            newest, size = measured(here / name)
            if newest < before:
                found.append(Leftover(path=here / name, size=size))
    return tuple(sorted(found, key=lambda one: one.path))


def measured(path: Path) -> tuple[float, int]:
    """When anything in it was last written, and its bytes; now and 0 where it just went away."""
    try:
        states = [one.lstat() for one in (path, *(path.rglob("*") if path.is_dir() else ()))]
    except FileNotFoundError:
        return time.time(), 0
    return max(s.st_mtime for s in states), sum(s.st_size for s in states)


def delete(found: tuple[Leftover, ...]) -> None:
    """Each of them; one that went away meanwhile is no matter."""
    for one in found:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path, ignore_errors=True)
        else:
            one.path.unlink(missing_ok=True)
