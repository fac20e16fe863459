"""The verbs that move the champion, as a person types them: words, JSON and exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.registry import Registry
from onramp.cli import run
from onramp.options import Place
from onramp.retrain import JOB_TAG, Steps, retrain
from onramp.verbs.status import attention, standing
from tests.training.promotion.world import (
    FRAME,
    TASK,
    TODAY,
    agree,
    asked,
    decisions,
    took_over,
)
from training.promotion.judged import Today
from training.promotion.rollback import rollback

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(world: Home) -> Home:
    """The world, as one of the simulated data set."""
    shutil.copy(ROOT / "datasets" / "simulated.toml", world.dataset_file)
    return world


def answer(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = run([*words, "--home", str(home.root), "--actor", "ann", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_roll_back(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0 and who serves now; where there is nobody before, 4 and what to do."""
    code, error = answer(home, capsys, "rollback", "churn")
    assert (code, error["exit_code"]) == (4, 4)
    took_over(home)
    code, report = answer(home, capsys, "rollback", "churn", "--because", "complaints")
    assert (code, report["version"], report["previous"]) == (0, 1, 2)
    code, found = answer(home, capsys, "history", "churn", "--newest", "1")
    (row,) = found["decisions"]
    assert (code, row["actor"], row["why"]) == (0, "ann", "complaints")


def unmeasured(*_: object) -> Today:
    return Today(frames=lambda: FRAME.iloc[:0])


def worthless(*_: object) -> Today:
    """Labels that mean nothing: below any floor."""
    labels = FRAME["label"].sample(frac=1, random_state=0).to_numpy()
    return Today(frames=lambda: FRAME.assign(label=labels))


@pytest.mark.parametrize(
    ("today", "code", "decision"),
    [(worthless, 10, "refuse"), (unmeasured, 11, "cannot judge")],
)
def test_promote_says_no(
    home: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    today: Callable[..., Today],
    code: int,
    decision: str,
) -> None:
    """10 where a floor is broken, 11 where nothing could be measured; nobody moves, and a row."""
    monkeypatch.setattr("training.promotion.promote.today_of", today)
    ended, report = answer(home, capsys, "promote", "churn", "--version", "2")
    assert (ended, report["decision"], report["changed"]) == (code, decision, False)
    assert agree(home) == (1, None, 2)
    assert decisions(home)[1:] == [(decision, "1", "2")]


def test_promote_leaves_alone_what_was_rolled_back_from(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """10 for the night's job, which names no version."""
    rollback(home, "churn", to=3, actor="ann")
    rollback(home, "churn", actor="ann")
    code, error = answer(home, capsys, "promote", "churn")
    assert (code, error["exit_code"]) == (10, 10)
    assert agree(home)[:2] == (1, 3)


def test_promote_waits_for_a_person(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """13 as long as nobody has spoken."""
    with home.dataset_file.open("a") as file:
        file.write('\n[tasks.churn]\napproval = "required"\n')
    asked(home)
    code, report = answer(home, capsys, "promote", "churn", "--version", "2")
    assert (code, report["awaits"], report["changed"]) == (13, True, False)
    assert agree(home) == (1, None, 2)


def test_a_retrain_promotes_in_its_jobs_name(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the ledger who did it finds the job, and by it the reason."""
    monkeypatch.setattr("training.promotion.promote.today_of", lambda *_: TODAY)
    now = datetime.now(UTC)
    job, _ = Jobs(home).request("churn", why="decay", by="monitor", as_of=now, trigger="decay")
    before = Jobs(home).claim("churn", "a worker that trained version 2")
    assert before is not None
    assert Jobs(home).release(before)
    registry = Registry(home)
    registry.tag(registry.version("churn", 2), {JOB_TAG: job.id})
    nothing_new = Steps(prepare=lambda *_: None)  # this home's features are not built here
    report = retrain(home, TASK, as_of=now, steps=nothing_new)
    assert (report.outcome, report.version) == ("promoted", 2)
    row = Ledger(home).read("churn", newest=1)[0]
    assert (row.actor, row.decision, row.version) == (f"job {job.id}", "promote", "2")
    assert Jobs(home).read()[0].state == "promoted"


def test_approve(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0, and the card tells of it; a second time, and another version, await nothing."""
    asked(home)
    code, report = answer(home, capsys, "approve", "churn")
    assert (code, report["changed"], report["notes"]) == (0, True, [])
    assert agree(home) == (2, 1, None)
    assert answer(home, capsys, "approve", "churn", "--version", "3")[0] == 4


def test_reject(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """0 with a reason, 2 without one."""
    asked(home)
    assert run(["reject", "churn", "--home", str(home.root)]) == 2
    capsys.readouterr()
    code, report = answer(home, capsys, "reject", "churn", "--because", "too soon")
    assert (code, report["version"], report["champion"]) == (0, 2, 1)


def test_status_says_what_waits(home: Home) -> None:
    """A person reads what they are waited for, and what to type."""
    asked(home)
    place = Place(home=home, actor="ann", host="", port=0, as_json=False)
    (line, empty) = attention([standing(place, "churn")])
    assert line.startswith("churn version 2 awaits approval: `onramp approve churn --version 2`")
    assert empty == ""
