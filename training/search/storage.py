"""Where a study is stored: a journal in the home, or a database that machines share."""

from __future__ import annotations

import os
import weakref
from contextlib import AbstractContextManager
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock, JournalStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lifecycle.errors import NotReady, UsageError
from lifecycle.lock import held
from training.search.plan import Plan

PATIENCE_SECONDS = 60.0  # for a neighbour's write
BLOCK = 4_096  # bytes read at once to find the last whole line


class WriteLock(JournalFileSymlinkLock):
    """Held around each write to a journal; let go when its holder dies.

    Optuna's own is a file: after a kill in a write everybody waits 30 seconds for it. And what
    that kill left half written would be read as one with the next line, so it is cut off first.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self.journal = journal
        self.holding: AbstractContextManager[None] | None = None

    def acquire(self) -> bool:
        path = self.journal.with_name(f"{self.journal.name}.lock")
        holding = held(path, "A write to this search", patience_seconds=PATIENCE_SECONDS)
        holding.__enter__()
        self.holding = holding
        mend(self.journal)
        return True

    def release(self) -> None:
        if self.holding is not None:
            self.holding.__exit__(None, None, None)
            self.holding = None


def mend(journal: Path) -> None:
    """Cut off a last line without its end: its writer was killed in it."""
    with journal.open("rb+") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - BLOCK)
            file.seek(begin)
            line_end = file.read(end - begin).rfind(b"\n")
            end = begin if line_end < 0 else begin + line_end + 1
            if line_end >= 0:
                break
        if end < size:
            file.truncate(end)


def open_storage(plan: Plan) -> BaseStorage:
    """The plan's storage, made when new.

    Raises:
        UsageError: the URL is none, or no driver for it is installed.
        NotReady: the database does not answer.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if plan.storage is None:
        plan.folder.mkdir(parents=True, exist_ok=True)
        backend = JournalFileBackend(str(plan.journal), lock_obj=WriteLock(plan.journal))
        return JournalStorage(backend)
    return open_database(plan.storage)


def open_database(url: str) -> BaseStorage:
    """A database by its URL; the error never shows its password."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(
            f"{url!r} is no database URL.",
            do="Write it as sqlite:////shared/search.db or postgresql+psycopg://host/name.",
        ) from error
    patience = {"timeout": PATIENCE_SECONDS} if parsed.get_backend_name() == "sqlite" else {}
    try:
        database = RDBStorage(url, engine_kwargs={"connect_args": patience})
    except (ImportError, SQLAlchemyError, StorageInternalError) as error:
        shown = parsed.render_as_string(hide_password=True)
        words = str(error.__cause__ or error).splitlines()[0]
        if isinstance(error, ImportError):
            raise UsageError(
                f"The search cannot be kept in {shown}.", found=f"{words}.",
                do="Install the database's driver, or name another in the URL "
                "(postgresql+psycopg://).",
            ) from error  # fmt: skip
        raise NotReady(
            f"The search's database {shown} does not answer.", found=words,
            do="Start it, or mend the URL.",
        ) from error  # fmt: skip
    storage = get_storage(database)
    # its pool's connections end with it, which Optuna leaves to the server
    weakref.finalize(storage, database.engine.dispose)
    return storage
