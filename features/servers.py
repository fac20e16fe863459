"""Stores on servers: what has to be set and to answer, said without a secret.

A Feast configuration names its servers by ${VARIABLES}, which Feast fills in when it loads it. One
that is not set stays as it is written, and is then a host or a password that nobody has.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yaml import YAMLError

from lifecycle.errors import NotReady

# As os.path.expandvars, by which Feast reads its configuration.
VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})")

# libpq reads this one itself, so that no configuration has to hold it.
SECRETS = ("PGPASSWORD",)
PLAIN = ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE")

SERVERS = {"psycopg": "PostgreSQL", "redis": "Redis"}
SILENT = ("OperationalError", "ConnectionError", "TimeoutError")
HELP = "deploy/postgres-redis/README.md says which variables name the servers."


def variables(path: Path) -> tuple[str, ...]:
    """The variables that a configuration takes from the environment, in the order of their names.

    A comment asks for nothing.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = VARIABLE.findall("\n".join(line for line in lines if not line.lstrip().startswith("#")))
    return tuple(sorted({plain or braced for plain, braced in found}))


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Say which server does not answer, or which variable is missing, in the block.

    Args:
        path: Feast's configuration.

    Raises:
        NotReady: a variable is not set, the configuration cannot be read, or a server is down.
    """
    wanted = variables(path)
    missing = [name for name in wanted if not os.environ.get(name)]
    if missing:
        raise NotReady(
            f"{path} names its servers by variables that are not set.",
            found=f"Missing: {', '.join(missing)}.",
            do=f"Set them. {HELP}",
        )
    try:
        yield
    except Exception as error:
        refused = refusal(error, path, wanted)
        if refused is None:
            raise
        # Without its cause, whose text may hold a password.
        raise refused from None


def refusal(error: Exception, path: Path, wanted: tuple[str, ...]) -> NotReady | None:
    """What to tell of an error; None when it is none of a server or its configuration."""
    for one in causes(error):
        absent = SERVERS.get((getattr(one, "name", None) or "").partition(".")[0])
        if isinstance(one, ImportError) and absent:
            return NotReady(
                f"The client of {absent} is not installed.",
                found=f"{one}.",
                do="Run `pip install 'onramp[postgres-redis]'`.",
            )
        kinds = [kind for kind in type(one).__mro__ if kind.__name__ in SILENT]
        for kind in kinds:
            server = SERVERS.get(kind.__module__.partition(".")[0])
            if server:
                return NotReady(
                    f"{server} does not answer.",
                    found=hidden(str(one), wanted),
                    do=f"Start it, or correct where it is looked for. {HELP}",
                )
    if wanted and (isinstance(error, YAMLError) or type(error).__name__ == "FeastConfigError"):
        return NotReady(
            f"Feast cannot read {path} as its variables fill it in.",
            found=where(error),
            do=f"Correct {', '.join(wanted)}. {HELP}",
        )
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it wraps."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = getattr(seen, "orig", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__


def where(error: Exception) -> str:
    """An unreadable configuration's error, by its kind and place.

    No word of its text: YAML quotes a piece of the line, cut anywhere, and Feast the value.
    """
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{type(error).__name__}{place}."


def hidden(text: str, wanted: tuple[str, ...]) -> str:
    """One line of an error, with nothing in it that a variable keeps to itself."""
    kept = [os.environ.get(name, "") for name in (*SECRETS, *wanted) if name not in PLAIN]
    kept += [word for value in kept for word in re.findall(r"password=([^,]+)", value)]
    for secret in sorted(filter(None, kept), key=len, reverse=True):
        text = text.replace(secret, "…")
    return " ".join(text.split())
