"""Real servers for the tests of serving, each a process of its own on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from lifecycle.home import Home

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 600  # some 6 on an idle machine; a busy one gives it a tenth of a core

OURS = """
import sys
from pathlib import Path
from lifecycle.home import open_home
from serving.server import serve
from tasks import churn, preference
serve(open_home(Path(sys.argv[1])), (churn.TASK, preference.TASK), port=int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    client: httpx.Client
    url: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(home: Home) -> Iterator[Running]:
    """Our server over the home, as `onramp serve` starts it."""
    port = free_port()
    command = [sys.executable, "-c", OURS, str(home.root), str(port)]
    with started(command, port, {"PYTHONHASHSEED": "0"}) as running:
        yield running


@contextmanager
def stock(home: Home, task: str) -> Iterator[Running]:
    """Plain `mlflow models serve` of the task's champion."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{task}@champion"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    bin_folder = str(Path(sys.executable).parent)
    environment = {
        "PYTHONHASHSEED": "0",  # MLflow's errors print a set
        "MLFLOW_TRACKING_URI": home.tracking_uri,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",  # it starts the first `uvicorn`
    }
    with started(command, port, environment) as running:
        yield running


@contextmanager
def started(command: Sequence[str], port: int, more: Mapping[str, str]) -> Iterator[Running]:
    """Start, hand out a client, stop it and its children. `wait` for it before asking."""
    # MLflow's `set_registry_uri` writes the environment, so an earlier test's home is in ours
    clean = {name: v for name, v in os.environ.items() if not name.startswith("MLFLOW_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env={**clean, **more}, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=120) as client:
            yield Running(process, client, url)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
        process.communicate(timeout=START_SECONDS)


def wait(running: Running) -> None:
    """Return when it answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise AssertionError(f"it ended: {running.process.communicate()[0]}")
        try:
            running.client.get("/ping")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it did not answer in time")
