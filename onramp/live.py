"""A running server of ours, for as long as somebody asks it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from lifecycle.errors import NotReady
from lifecycle.home import Home

START_SECONDS = 120.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2


@contextmanager
def serving(home: Home, log: Path) -> Iterator[httpx.Client]:
    """Start `onramp serve` on a free port, hand out a client, stop it in good order."""
    port = free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "onramp", "serve"]
    command += ["--home", str(home.root), "--port", str(port)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603  our own
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                wait(client, process, log)
                yield client
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers.

    Raises:
        NotReady: it ended, or did not answer in two minutes.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/ping")
        except httpx.TransportError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise NotReady(
        "The server did not come up.",
        found=f"It ended with code {process.poll()}." if process.poll() is not None else "",
        do=f"{log} says why.",
    )


def ask(client: httpx.Client, path: str) -> dict[str, Any]:
    """One question; the answer must be JSON and no failure."""
    answer = client.get(path)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def served_version(client: httpx.Client, task: str, wanted: int) -> float:
    """Ask until the task is answered by the wanted version; seconds that took.

    Raises:
        NotReady: it was not within the time a start may take.
    """
    begun = time.monotonic()
    while time.monotonic() - begun < START_SECONDS:
        state = client.get("/ready").json()
        if state["tasks"][task].get("version") == wanted:
            return time.monotonic() - begun
        time.sleep(POLL_SECONDS)
    raise NotReady(f"The server still answers {task} with another version than {wanted}.")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
