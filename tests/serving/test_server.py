"""serving.server: a real process that swaps champions under load and loses nothing when stopped."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from lifecycle.errors import Busy, UsageError
from lifecycle.prediction_log import PredictionLog
from serving.server import bind, is_loopback, serve
from tasks import churn
from tests.serving.conftest import Forged
from tests.serving.live import ROOT, Running, ours, wait

ROW = {"dataframe_records": [{"visits": 3.0, "spent": 8.0, "country": "FR"}]}
PATIENT = 60.0  # seconds, with a machine that stalls
BREATH = 0.005  # seconds between two questions: who swaps shares a core with who asks


@dataclass
class Load:
    """Asks again and again until told to stop; keeps every answer."""

    url: str
    failures: list[str] = field(default_factory=list)
    answers: set[float] = field(default_factory=set)
    asked: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENT) as client:
            while not self.stop.wait(BREATH):
                try:
                    answer = client.post("/invocations", json=ROW)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                self.asked += 1
                if answer.status_code == 200:
                    self.answers.add(answer.json()["predictions"][0]["probability"])
                else:
                    self.failures.append(answer.text)


def state(server: Running) -> dict[str, object]:
    found: dict[str, object] = server.client.get("/ready").json()["tasks"]["churn"]
    return found


def seconds_until(server: Running, version: int) -> float:
    began = time.monotonic()
    while state(server)["version"] != version:
        assert time.monotonic() - began < PATIENT, state(server)
        time.sleep(0.02)
    return time.monotonic() - began


def refused(server: Running) -> dict[str, object]:
    """The seat's state once a version was refused."""
    began = time.monotonic()
    while not (found := state(server))["trouble"]:
        assert time.monotonic() - began < PATIENT
        time.sleep(0.05)
    return found


@contextmanager
def callers(load: Load, count: int) -> Iterator[None]:
    threads = [threading.Thread(target=load.run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()


def test_swaps_under_load_and_a_graceful_stop(forged: Forged) -> None:
    """The alias moves forth and back while two callers ask all the while: none sees a failure.

    A version that lies about its records is refused meanwhile; only the two good ones answer.
    SIGTERM right after ends the process with code 0 and with every answer in the log.
    """
    with ours(forged.home) as server:
        wait(server)
        load = Load(server.url)
        with callers(load, 2):
            delays = []
            for version in (2, 1, 2, 1):
                forged.promote("churn", version)
                delays.append(seconds_until(server, version))
            forged.promote("churn", 3)
            found = refused(server)
        server.process.send_signal(signal.SIGTERM)
        output = server.process.communicate(timeout=PATIENT)[0]
    assert load.failures == []
    assert load.asked > 50
    assert len(load.answers) == 2
    # a second between two looks, and the loading; a machine may stall, but hardly each time
    assert min(delays) < PATIENT / 6, delays
    assert found["version"] == 1
    assert "Version 3 was not seated; version 1 serves on." in str(found["trouble"])
    assert server.process.returncode == 0, output
    assert f"Onramp answers at {server.url} (try /ready" in output
    logged = PredictionLog(forged.home).read("churn")
    assert len(logged) == load.asked
    assert set(logged["version"]) == {1, 2}


def test_taken_port_is_said(forged: Forged) -> None:
    """A second server on the same port ends at once, by a sentence."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Busy) as caught:
            serve(forged.home, (churn.TASK,), port=port)
    assert str(caught.value) == (
        f"Port {port} of 127.0.0.1 is taken. Something else listens there. "
        "Stop it, or choose another with --port (0: any free one)."
    )


def test_others_are_kept_out_unless_told(forged: Forged) -> None:
    """An address that other machines reach needs a word of its own."""
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 can be reached by other machines"):
        serve(forged.home, (churn.TASK,), host="0.0.0.0", port=0)  # noqa: S104  refused, not bound


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("127.9.9.9", True),
     ("0.0.0.0", False), ("::", False), ("192.168.0.1", False), ("example.org", False)],  # noqa: S104  named, not bound
)  # fmt: skip
def test_loopback(host: str, own: bool) -> None:
    """Only this machine's own addresses count; a name that is not one does not."""
    assert is_loopback(host) is own


def test_foreign_address_cannot_be_bound() -> None:
    """An address that this machine does not have is the caller's mistake."""
    with pytest.raises(UsageError, match=r"192\.0\.2\.1:0 cannot be bound"):
        bind("192.0.2.1", 0)


def test_serving_loads_neither_search_nor_reports() -> None:
    """Optuna and Evidently stay out of a server's memory, and so do the folders that use them."""
    code = (
        "import sys; from features.feast_import import unchecked; unchecked();"
        "import serving.server, serving.batch;"
        "print([m for m in ('optuna', 'evidently', 'training', 'monitoring', 'imblearn')"
        " if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert found.stdout.strip() == "[]"
