"""The prediction log of a real server: what a kill costs, and what a full disk costs."""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from lifecycle.prediction_log import PredictionLog
from tests.serving.conftest import Forged
from tests.serving.live import Running, ours, wait
from tests.serving.metrics.reading import Read, read

LOST_SECONDS = 1.0
NAP_SECONDS = 0.02
LATE_NAPS = 10  # turns that a flush takes, each as late as the latest nap at worst
LEAST = 50  # answers that must be there
TINY = 256  # bytes a file may have while the disk is full: no Parquet file is so small


@dataclass
class Nap:
    """Sleeps again and again, and keeps by how much it woke too late: a busy machine's measure."""

    worst: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.is_set():
            began = time.monotonic()
            time.sleep(NAP_SECONDS)
            self.worst = max(self.worst, time.monotonic() - began - NAP_SECONDS)

    @property
    def allowed(self) -> float:
        """A second, and what the machine kept everybody waiting."""
        return LOST_SECONDS + LATE_NAPS * self.worst


def ask(server: Running, number: int) -> httpx.Response:
    """One row that is found in the log by its number of visits."""
    row = {"visits": float(number), "spent": 8.0, "country": "FR"}
    return server.client.post("/invocations", json={"dataframe_records": [row]})


def until(server: Running, true: Callable[[Read], bool]) -> Read:
    deadline = time.monotonic() + 600
    while not true(found := read(server.client.get("/metrics").text)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def rows(found: Read, outcome: str) -> float:
    return found.value("onramp_prediction_log_rows_total", outcome=outcome)


def logged(forged: Forged) -> list[int]:
    found: list[int] = PredictionLog(forged.home).read("churn")["visits"].astype(int).tolist()
    return found


def asked(server: Running, nap: Nap) -> list[float]:
    """Ask one row after the other until enough answers are old; when each was given."""
    given: list[float] = []
    deadline = time.monotonic() + 600
    while len(given) <= LEAST or given[LEAST] > time.monotonic() - nap.allowed - 1:
        assert time.monotonic() < deadline
        assert ask(server, len(given)).status_code == 200
        given.append(time.monotonic())
    return given


def test_kill_costs_the_last_second(forged: Forged) -> None:
    """`kill -9` under load: every answer older than a second is in the log, once and readable."""
    nap = Nap()
    napping = threading.Thread(target=nap.run)
    with ours(forged.home) as server:
        wait(server)
        napping.start()
        try:
            given = asked(server, nap)
        finally:
            nap.stop.set()
            napping.join()
        server.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        server.process.wait(timeout=60)
    found = logged(forged)
    old = {number for number, at in enumerate(given) if at < killed - nap.allowed}
    assert len(old) >= LEAST
    assert old <= set(found)
    assert len(found) == len(set(found)) <= len(given)


def test_full_disk_costs_the_log_and_not_the_service(forged: Forged) -> None:
    """No file can be written: answers go on, rows are dropped and counted, and it ends by itself.

    The disk is full for this process alone, by its limit on the size of files.
    """
    with ours(forged.home) as server:
        wait(server)
        assert ask(server, 0).status_code == 200
        until(server, lambda found: rows(found, "written") == 1)
        before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (TINY, before[1]))
        full = [ask(server, number).status_code for number in range(1, 6)]
        found = until(server, lambda found: rows(found, "dropped") == 5)
        assert found.value("onramp_prediction_log_trouble") == 1
        trouble = server.client.get("/ready").json()["prediction_log"]["trouble"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
        assert ask(server, 6).status_code == 200
        found = until(server, lambda found: rows(found, "written") == 2)
        server.process.send_signal(signal.SIGTERM)
        output = server.process.communicate(timeout=120)[0]
    assert full == [200] * 5
    assert rows(found, "dropped") == 5
    assert found.value("onramp_prediction_log_trouble") == 0
    assert "File too large" in trouble
    assert "the prediction log cannot be written, rows are dropped: " in output
    assert "the prediction log is written again" in output
    assert logged(forged) == [0, 6]
    assert list(forged.home.predictions.glob("task=*/*.unfinished")) == []
