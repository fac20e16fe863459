"""A PostgreSQL server of the tests' own: a private port, a password, nothing left behind."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

BINARIES = Path("/usr/lib/postgresql")
OWNER = "onramp"
# As a password may be: it would break a URL, a YAML scalar and a shell word.
PASSWORD = "p@ss/w:rd #1'\"%"  # noqa: S105 - of a server that lives as long as the tests

Env = Mapping[str, str]


def binaries() -> Path:
    """The folder of the newest server that is installed."""
    found = sorted(
        BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    assert found, (
        f"No PostgreSQL server in {BINARIES}. On Debian or Ubuntu, as root: "
        "deploy/postgres-redis/install-servers.sh (apt-get install postgresql redis-server)"
    )
    return found[0].parent


def unprivileged() -> dict[str, Any]:
    """How to start what refuses to run as root: as `postgres`, whom the Debian package makes."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def postgres_server() -> Iterator[Env]:
    """Start a server; give the variables by which every client of PostgreSQL finds it."""
    programs, who = binaries(), unprivileged()
    # Not below pytest's folders, which nobody but their owner may enter.
    with tempfile.TemporaryDirectory(prefix="onramp-postgres-") as name:
        folder = Path(name)
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        for path in (folder, secret):
            os.chown(path, who.get("user", -1), who.get("group", -1))
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", OWNER, f"--pwfile={secret}",
             "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, cwd=folder, stdout=subprocess.DEVNULL, **who,
        )  # fmt: skip
        port = free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1",
                 "-k", "", "-F", "-c", "full_page_writes=off"],
                cwd=folder, stdout=log, stderr=log, **who,
            )  # fmt: skip
        env = {
            "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": OWNER, "PGDATABASE": "postgres",
            "PGPASSWORD": PASSWORD,
        }  # fmt: skip
        try:
            wait_for(env, server, folder / "log")
            yield env
        finally:
            # Immediate: nothing in it is to be kept.
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=120)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(env: Env, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):  # a minute
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            connect(env).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))


def connect(env: Env) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of its own, outside of transactions."""
    return psycopg.connect(
        host=env["PGHOST"], port=env["PGPORT"], user=env["PGUSER"], password=env["PGPASSWORD"],
        dbname=env["PGDATABASE"], autocommit=True,
    )  # fmt: skip


def fresh_database(server: Env, name: str) -> Env:
    """The variables of a new, empty database on the server."""
    with connect(server) as db:
        db.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    return {**server, "PGDATABASE": name}
