"""serving.receipts: the reasons that were given are found again, whatever happened to the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from lifecycle.home import open_home
from serving.receipts import (
    MOST_WAITING,
    PRUNED,
    Given,
    Receipts,
    Shown,
    append,
    find,
    find_page,
    given,
    kept_from,
    prune,
)
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


def test_a_page_and_its_answer_may_have_one_receipt(tmp_path: Path) -> None:
    """Where one task alone answered; either is found, and only on the days around its answer."""
    home = open_home(tmp_path)
    path = home.receipts / "20260101.jsonl"
    append(path, [Shown("abc", {"welcome": "Hi"}), Given("abc", (("a", 1.0),))], NOW)
    for at in (None, NOW, NOW - timedelta(seconds=1)):
        assert find(home, "abc", at) == Given("abc", (("a", 1.0),))
        assert find_page(home, "abc", at) == Shown("abc", {"welcome": "Hi"})
    assert find(home, "abc", NOW + timedelta(days=1)) is None
    assert find_page(home, "ab") is None


def test_old_days_are_taken_away_and_it_is_said(tmp_path: Path) -> None:
    """The days that are kept stay, and files that are none of ours; a second time there is none."""
    home = open_home(tmp_path)
    assert prune(home.receipts, date(2026, 1, 1)) == 0
    for day in ("20251230", "20251231", "20260101"):
        append(home.receipts / f"{day}.jsonl", [Given(day, ())], NOW)
    (home.receipts / "notes.jsonl").write_text("a person's own")
    assert kept_from(home) is None
    assert prune(home.receipts, date(2026, 1, 1)) == 2
    assert kept_from(home) == date(2026, 1, 1)
    assert sorted(file.name for file in home.receipts.iterdir()) == [
        "20260101.jsonl", PRUNED, "notes.jsonl",
    ]  # fmt: skip
    assert find(home, "20251231") is None
    assert find(home, "20260101") == Given("20260101", ())
    assert prune(home.receipts, date(2026, 1, 1)) == 0


def test_the_server_prunes_by_itself(tmp_path: Path) -> None:
    """In the thread that writes; what is put meanwhile is taken without waiting."""
    home = open_home(tmp_path)
    today = datetime.now(UTC)
    for age in (0, 9, 10, 11, 400):
        day = today - timedelta(days=age)
        append(home.receipts / f"{day:%Y%m%d}.jsonl", [Given(f"r{age}", ())], day)
    receipts = Receipts(home.receipts, days=10)
    receipts.put(Given("new", ()))
    receipts.start()
    receipts.stop()
    # the day may have ended meanwhile
    assert {"r0", "r9", "new"} <= {one for one in ("r0", "r9", "r11", "r400", "new")
                                   if find(home, one)}  # fmt: skip
    assert find(home, "r11") is None
    assert find(home, "r400") is None


def test_what_cannot_be_taken_away_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Receipts go on being written, and the log says what is wrong."""
    home = open_home(tmp_path)
    append(home.receipts / "20200101.jsonl", [Given("old", ())], NOW)
    (home.receipts / f"{PRUNED}.new").mkdir()
    receipts = Receipts(home.receipts, days=1)
    receipts.start()
    receipts.put(Given("new", ()))
    receipts.stop()
    assert find(home, "new") == Given("new", ())
    assert find(home, "old") == Given("old", ())
    assert "old receipts are not taken away: IsADirectoryError" in caplog.text


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
