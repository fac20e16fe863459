"""The servers that `benchmarks/serving.py` compares, each a process of its own on a free port."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_load import OK, cpu_seconds
from lifecycle.home import Home

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 300.0
LOOK_SECONDS = 0.01
STOP_SECONDS = 30.0
MIB = 2**20

MLFLOW, FLOOR, ONRAMP = "mlflow", "floor", "onramp"
TITLES = {MLFLOW: "plain `mlflow models serve`", FLOOR: "floor", ONRAMP: "Onramp"}


@dataclass(frozen=True, kw_only=True)
class Server:
    """One that answers.

    Attributes:
        seconds, cpu: from its start to its first 200 of /ping: wall time, and CPU seconds of all
            its processes.
    """

    system: str
    port: int
    pid: int
    seconds: float
    cpu: float

    @property
    def pids(self) -> list[int]:
        return family(self.pid)

    @property
    def peak_mib(self) -> float:
        """Of its largest process: those that only start others are not what serves."""
        return max(peak_mib(pid) for pid in self.pids)


def family(pid: int) -> list[int]:
    """A process and all that came of it."""
    with suppress(psutil.NoSuchProcess):
        return [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    return []


def peak_mib(pid: int) -> float:
    """Most memory that was resident; 0.0 of a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / MIB
    return 0.0


def command(system: str, home: Home, version: str, port: int, *, store: bool) -> list[str]:
    """How a server is started over a home.

    Args:
        system: which.
        home: with a champion.
        version: folder of the champion's files, which is all that the floor reads.
        port: to bind.
        store: the floor asks the home's online store.
    """
    if system == MLFLOW:
        words = ["-m", "mlflow", "models", "serve", "-m", "models:/churn@champion"]
        words += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    elif system == FLOOR:
        words = ["-m", "benchmarks.serving_floor", version, str(port)]
        words += [str(home.root)] if store else []
    else:
        words = ["-m", "onramp", "serve", "--home", str(home.root), "--port", str(port)]
    return [sys.executable, *words]


def surroundings(home: Home) -> Mapping[str, str]:
    """Ours, without what names another MLflow; its server starts the first `uvicorn` it finds."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "ONRAMP_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **bare, "MLFLOW_TRACKING_URI": home.tracking_uri, "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": path, "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@contextmanager
def started(
    system: str, home: Home, version: str, log: Path, *, store: bool = False
) -> Iterator[Server]:
    """A server from its start to its end."""
    port = free_port()
    with log.open("wb") as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command(system, home, version, port, store=store), cwd=ROOT, env=surroundings(home),
            stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            wait(process, port, log)
            yield Server(
                system=system, port=port, pid=process.pid,
                seconds=time.perf_counter() - begun,
                cpu=sum(map(cpu_seconds, family(process.pid))),
            )  # fmt: skip
        finally:
            stop(process)


def wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return at the first 200 of /ping.

    Raises:
        SystemExit: there is none.
    """
    late = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < late:
        with suppress(OSError, http.client.HTTPException):
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asking.request("GET", "/ping")
            if asking.getresponse().status == OK:
                return
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"The server did not come up: {log} says why.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it with everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def starts(
    system: str, home: Home, version: str, log: Path, times: int
) -> Sequence[dict[str, float]]:
    """What so many starts took."""
    found = []
    for _ in range(times):
        with started(system, home, version, log) as one:
            found.append({"seconds": one.seconds, "cpu": one.cpu, "mib": one.peak_mib})
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
