"""serving.receipts: the reasons that were given are found again, whatever happened to the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from lifecycle.home import open_home
from serving.receipts import MOST_WAITING, Given, Receipts, append, find, given
from tests.serving.live import ROOT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REASONS = [
    {"feature": "visits", "value": 3.0, "contribution": 0.1 + 0.2, "words": "Visits: 3"},
    {"feature": "spent", "value": None, "contribution": -1e-17, "words": "spent: not known"},
]


def test_reasons_come_back_to_the_last_digit(tmp_path: Path) -> None:
    """What a graceful stop flushed is found by its receipt, in its order."""
    home = open_home(tmp_path)
    receipts = Receipts(home.receipts)
    receipts.start()
    receipts.put(given("abc", REASONS))
    receipts.put(Given("none", ()))
    receipts.stop()
    assert find(home, "abc") == Given("abc", (("visits", 0.1 + 0.2), ("spent", -1e-17)))
    assert find(home, "none") == Given("none", ())
    assert find(home, "ab") is None
    state = receipts.state()
    assert (state.written, state.dropped, state.waiting, state.trouble) == (2, 0, 0, "")


def test_a_home_without_receipts_has_none(tmp_path: Path) -> None:
    """Nothing was ever given."""
    assert find(open_home(tmp_path), "abc") is None


@each(st.binary(max_size=80), st.lists(st.floats(allow_nan=False, allow_infinity=False)))
@settings(max_examples=60, deadline=None)
def test_a_torn_line_costs_nothing_but_itself(torn: bytes, parts: list[float]) -> None:
    """Whatever bytes a full disk or a kill left, what is written after them is read."""
    import tempfile  # noqa: PLC0415  a fixture would be shared by all examples

    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder))
        path = home.receipts / "20260101.jsonl"
        append(path, [Given("first", (("a", 1.0),))], NOW)
        with path.open("ab") as file:
            file.write(torn)
        kept = Given("second", tuple((f"f{n}", part) for n, part in enumerate(parts)))
        append(path, [kept], NOW)
        assert find(home, "first") == Given("first", (("a", 1.0),))
        assert find(home, "second") == kept


def test_a_disk_that_refuses_costs_the_reasons_and_says_so(tmp_path: Path) -> None:
    """Answers go on; what was lost is counted, and why is told."""
    home = open_home(tmp_path)
    home.receipts.write_text("a file where the folder should be")
    receipts = Receipts(home.receipts)
    receipts.start()
    receipts.put(given("abc", REASONS))
    receipts.stop()
    state = receipts.state()
    assert (state.written, state.dropped) == (0, 1)
    assert state.trouble.startswith(("FileExistsError", "NotADirectoryError"))


def test_a_queue_that_nobody_empties_does_not_grow(tmp_path: Path) -> None:
    """Beyond its limit reasons are dropped and counted, never waited for."""
    receipts = Receipts(tmp_path)
    for _ in range(MOST_WAITING + 3):
        receipts.put(Given("x", ()))
    assert (receipts.state().waiting, receipts.state().dropped) == (MOST_WAITING, 3)


KILLED = """
import sys, time
from pathlib import Path
from serving.receipts import Given, Receipts
receipts = Receipts(Path(sys.argv[1]))
receipts.start()
n = 0
while True:
    receipts.put(Given(f"r{n}", (("a", float(n)),)))
    print(n, flush=True)
    n += 1
    time.sleep(0.01)
"""


def test_a_kill_costs_the_last_second(tmp_path: Path) -> None:
    """What was given well before `kill -9` is there, and the file can be read."""
    home = open_home(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(home.receipts)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(home.receipts.glob("*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert find(home, "r0") == Given("r0", (("a", 0.0),))
