"""A Redis server of the tests' own, on a private port."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.postgres import free_port


@contextmanager
def redis_server() -> Iterator[str]:
    """Start a server that keeps nothing; give its address as Feast takes it, `host:port`."""
    program = shutil.which("redis-server")
    assert program, (
        "No redis-server. On Debian or Ubuntu, as root: "
        "deploy/postgres-redis/install-servers.sh (apt-get install postgresql redis-server)"
    )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="onramp-redis-") as folder:
        server = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(port, server)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=120)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    with redis.Redis(port=port) as client:
        for _ in range(3000):  # a minute
            assert server.poll() is None, "redis-server did not start"
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise AssertionError("redis-server did not answer")
