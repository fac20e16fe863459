"""A real MLflow server of the tests' own: the profile's script, on a PostgreSQL that is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from tests.postgres import Env, free_port

PROFILE = Path(__file__).resolve().parents[1] / "deploy" / "mlflow-postgres"
ADMIN, ADMIN_PASSWORD = "admin", "the admin's p@ss:w/rd"
START_SECONDS = 1200  # some 15 on an idle machine; a busy one gives it a fiftieth of a core


@dataclass(frozen=True)
class Server:
    """Where it listens, what it writes, and what must never be in there."""

    url: str
    log: Path
    secrets: tuple[str, ...]


@contextmanager
def mlflow_server(postgres: Env, folder: Path) -> Iterator[Server]:
    """Start the profile's server; webhooks may go to this machine, which else they may not."""
    port, key, flask = free_port(), Fernet.generate_key().decode(), "a key that signs cookies"
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
        **postgres,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(port),
        "MLFLOW_WORKERS": "1",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": flask,
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": key,
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    }
    log = folder / "server.log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            [PROFILE / "serve.sh"], env=env, cwd=folder, stdout=written, stderr=written,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield Server(
            url=f"http://127.0.0.1:{port}",
            log=log,
            secrets=(postgres["PGPASSWORD"], ADMIN_PASSWORD, key, flask),
        )
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # the group of its own that it was started in
        server.wait(timeout=120)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
