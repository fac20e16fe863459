"""One apply at a time, in a home and in a registry that several homes share.

Feast writes object by object, and makes the registry's tables when it first opens it: two at once
would take away what the other has just told, or fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feast.repo_config import load_repo_config
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url

from lifecycle.home import Home
from lifecycle.lock import held

PATIENCE_SECONDS = 300.0

# "apply" in ASCII: names our lock among the advisory locks of the database.
LOCK = 0x6170706C79


@contextmanager
def one_apply(home: Home, config: Path) -> Iterator[None]:
    """Hold the home's lock, and the registry's where a server keeps it.

    Raises:
        Busy: another process has been applying to this home for five minutes.
    """
    with (
        held(home.locks / "apply", "An apply", patience_seconds=PATIENCE_SECONDS),
        one_in_registry(str(load_repo_config(home.feast, config).registry.path)),
    ):
        yield


@contextmanager
def one_in_registry(address: str) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock; the server lets go of it when the connection ends."""
    if "://" not in address or make_url(address).get_backend_name() != "postgresql":
        yield
        return
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:name)"), {"name": LOCK})
        yield
