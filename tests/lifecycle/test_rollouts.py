"""Rollouts: one open a task, each step with its ledger row, and a kill leaves both or neither."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Move, Moves
from lifecycle.rollouts import END, RETURN, STEPS, STOP, Because, Rollout, Rollouts

SHADOW = Rollout(task="churn", stage="shadow", champion=1, challenger=2)
CANARY = replace(SHADOW, stage="canary", share=10.0)
ANN = Because(actor="ann", why="to see")
ROOT = Path(__file__).resolve().parents[2]

FOREVER = """
import sys
from dataclasses import replace
from pathlib import Path
from lifecycle.home import open_home
from lifecycle.rollouts import STOP, Because, Rollout, Rollouts
rollouts = Rollouts(open_home(Path(sys.argv[1])))
shadow = Rollout(task="churn", stage="shadow", champion=1, challenger=2)
why = Because(actor="ann", why="again")
print("on", flush=True)
while True:
    found, _ = rollouts.take(shadow, why)
    rollouts.take(replace(shadow, stage="canary", share=5.0), why)
    rollouts.end(found, STOP, why)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def told(home: Home) -> list[tuple[str, str, str | None, str | None]]:
    """Oldest first: decision, actor, challenger, champion."""
    rows = reversed(Ledger(home).read("churn"))
    return [(row.decision, row.actor, row.version, row.previous) for row in rows]


def test_a_new_home_has_no_rollout(home: Home) -> None:
    """Asking makes no database."""
    assert Rollouts(home).open("churn") is None
    assert not home.root.exists()


def test_a_database_of_before_there_were_rollouts_has_none(home: Home) -> None:
    """A ledger without the table is read as one without rollouts."""
    Ledger(home).append(Entry(actor="ann", task="churn", decision="promote", why="first"))
    assert Rollouts(home).open("churn") is None


def test_from_the_shadow_to_a_canary_and_back(home: Home) -> None:
    """One rollout goes through its stages; every step is a row, and a step repeated is none."""
    rollouts = Rollouts(home)
    first, row = rollouts.take(SHADOW, ANN)
    assert (row, rollouts.open("churn")) == (1, first)
    assert rollouts.take(SHADOW, ANN) == (first, None)
    second, row = rollouts.take(CANARY, ANN)
    assert (row, second.number, second.share) == (2, first.number, 10.0)
    wider, row = rollouts.take(replace(CANARY, share=25.0), ANN)
    assert (row, wider.number) == (3, first.number)
    assert rollouts.end(wider, RETURN, Because(actor="server", why="failures")) == 4
    assert rollouts.open("churn") is None
    assert rollouts.end(wider, STOP, ANN) is None
    assert told(home) == [
        ("shadow", "ann", "2", "1"), ("canary", "ann", "2", "1"),
        ("canary", "ann", "2", "1"), (RETURN, "server", "2", "1"),
    ]  # fmt: skip
    shares = [row.evidence.get("share") for row in reversed(Ledger(home).read("churn"))]
    assert shares == [None, 10.0, 25.0, 25.0]


def test_one_challenger_at_a_time(home: Home) -> None:
    """A second challenger waits until the first is stopped; another task is free."""
    rollouts = Rollouts(home)
    rollouts.take(SHADOW, ANN)
    with pytest.raises(Busy, match=r"Open: version 2 in the shadow of version 1\."):
        rollouts.take(replace(SHADOW, challenger=3), ANN)
    assert rollouts.take(replace(SHADOW, task="preference", challenger=3), ANN)[1] is not None


def test_what_is_held_against_an_old_champion_ends_first(home: Home) -> None:
    """A new rollout closes one whose champion is gone, and says so."""
    rollouts = Rollouts(home)
    old, _ = rollouts.take(SHADOW, ANN)
    new, _ = rollouts.take(replace(SHADOW, champion=2, challenger=3), ANN)
    assert new.number != old.number
    assert [row[0] for row in told(home)] == ["shadow", END, "shadow"]


def test_a_promotion_ends_the_rollout(home: Home) -> None:
    """In one transaction with the move: a later rollback must not wake the canary again."""
    Rollouts(home).take(CANARY, ANN)
    entry = Entry(actor="bob", task="churn", decision="promote", why="better", version="2")
    moves = Moves(home)
    move = Move(task="churn", champion=1, previous=None, challenger=None, version=2, entry=entry)
    begun = moves.begin(move)
    assert Rollouts(home).open("churn") is not None
    moves.done(begun)
    assert Rollouts(home).open("churn") is None
    assert told(home)[-1] == (END, "bob", "2", "1")
    assert moves.done(begun) is not None
    assert len(told(home)) == 3


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([0.0, 5.0, 50.0]), st.integers(1, 2), st.integers(3, 4)),
            st.sampled_from([STOP, RETURN]),
        ),
        max_size=12,
    )
)
def test_the_ledger_tells_the_plan(steps: list[object]) -> None:
    """After any steps the newest row about rollouts says what is open, and the chain holds."""
    import tempfile  # noqa: PLC0415  one folder an example

    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder) / "home")
        rollouts = Rollouts(home)
        for step in steps:
            if isinstance(step, str):
                if found := rollouts.open("churn"):
                    rollouts.end(found, step, ANN)
                continue
            share, champion, challenger = step
            wanted = Rollout(
                task="churn", stage="canary" if share else "shadow", champion=champion,
                challenger=challenger, share=share,
            )  # fmt: skip
            try:
                rollouts.take(wanted, ANN)
            except Busy:
                continue
        agree(home)


def agree(home: Home) -> None:
    """The ledger is whole, and its newest word about rollouts is what the plan says."""
    ledger = Ledger(home)
    assert ledger.verify() == ()
    rows = [row for row in ledger.read("churn", newest=-1) if row.decision in STEPS]
    found = Rollouts(home).open("churn")
    if found is None:
        assert not rows or rows[0].decision in {STOP, RETURN, END}
    else:
        expected = (found.stage, str(found.challenger), str(found.champion))
        assert (rows[0].decision, rows[0].version, rows[0].previous) == expected
        assert rows[0].evidence.get("share", 0.0) == found.share


def test_killed_at_any_moment_the_plan_and_the_ledger_agree(home: Home) -> None:
    """A process that takes steps without pause is killed -9, five times."""
    draw = random.Random(6)  # noqa: S311  when to kill
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", FOREVER, str(home.root)], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        time.sleep(draw.uniform(0.02, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=120)
        process.stdout.close()
        agree(home)
    assert len(Ledger(home).read("churn")) > 5
