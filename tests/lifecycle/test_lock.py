"""A lock has one holder, and a killed holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lifecycle.errors import Busy
from lifecycle.lock import held

HOLDER = """
import sys, time
from pathlib import Path
from lifecycle.lock import held
with held(Path(sys.argv[1]), "It"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told(tmp_path: Path) -> None:
    """While one holds it another is refused in words; afterwards it is free."""
    path = tmp_path / "deep" / "it.held"
    with (
        held(path, "The search"),
        pytest.raises(Busy, match=r"The search is under way.*it\.held.*when it has ended"),
        held(path, "The search"),
    ):
        pass
    with held(path, "The search"):
        pass


def test_the_patient_get_it_when_it_is_free(tmp_path: Path) -> None:
    """Who waits is not refused when the holder ends in time."""
    path, order = tmp_path / "it.held", []

    def second() -> None:
        with held(path, "It", patience_seconds=120):
            order.append("second")

    with held(path, "It"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(120)
    assert order == ["first", "second"]


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """It is refused while the other lives and free after kill -9, with nothing to clear away."""
    path = tmp_path / "it.held"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Busy), held(path, "It"):
            pass
        os.kill(process.pid, signal.SIGKILL)
    with held(path, "It"):
        pass
