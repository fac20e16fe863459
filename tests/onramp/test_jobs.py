"""What a person on call says of retrain jobs, and what they are answered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lifecycle.home import Home, open_home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from onramp.cli import run
from onramp.options import Place, locate
from onramp.verbs.retrain import Asked, prepare
from onramp.verbs.status import Standing, attention, told_of, untold
from tasks import find
from tests.at_the_gate import at_the_gate
from tests.posted import Postbox, posted

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 4, 13, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = open_home(tmp_path / "home")
    made.root.mkdir()
    shutil.copyfile(ROOT / "datasets" / "simulated.toml", made.dataset_file)
    return made


@pytest.fixture
def box(home: Home) -> Iterator[Postbox]:
    """Whom the home's own file names."""
    with posted() as made:
        path = home.root / "notify.toml"
        path.write_text(f'[[channel]]\nname = "team"\nkind = "slack"\nurl = "{made.url}"\n'
                        'on = ["superseded", "dead letter"]\n')  # fmt: skip
        path.chmod(0o600)
        yield made


def answer(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Exit code, and the JSON that was printed."""
    code = run([*words, "--home", str(home.root), "--actor", "ada", "--json"])
    return code, json.loads(capsys.readouterr().out)


def request(home: Home) -> str:
    job, _ = Jobs(home).request("churn", why="AUC fell", by="monitor", as_of=NOW, trigger="decay")
    return job.id


def dead_letter(home: Home) -> str:
    job = request(home)
    for _ in range(2):
        mine = Jobs(home).claim("churn", "ann")
        assert mine is not None
        Jobs(home).failed(mine, "overdue", "it hangs")
    return job


def test_jobs_are_listed_with_why_and_how(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest first; a waiting one with its next try, an ended one with its end."""
    assert run(["jobs", "--home", str(home.root)]) == 0
    assert capsys.readouterr().out == "No retrain job was asked for yet.\n"
    first = request(home)
    assert Jobs(home).end(at_the_gate(home, "churn", "ann", 2), "refused", {"words": "no gain"})
    second = request(home)
    mine = Jobs(home).claim("churn", "ann")
    assert mine is not None
    Jobs(home).failed(mine, "passing", "OSError: the disk is full")
    assert run(["jobs", "churn", "--home", str(home.root)]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "job", "task", "state", "since", "trigger", "attempts", "next", "try",
    ]  # fmt: skip
    assert lines[0].split()[:3] == [second, "churn", "requested"]
    assert lines[1:3] == ["  why: AUC fell", "  OSError: the disk is full"]
    assert lines[3].split()[:3] == [first, "churn", "refused"]
    assert lines[5] == "  no gain"
    code, listed = answer(home, capsys, "jobs", "churn", "--newest", "1")
    assert (code, [one["id"] for one in listed]) == (0, [second])


def test_a_person_cancels(home: Home, capsys: pytest.CaptureFixture[str], box: Postbox) -> None:
    """The open job is put away with who and why, in the ledger too, and whoever asked is told."""
    job = request(home)
    code, (report,) = answer(
        home, capsys, "retrain", "churn", "--cancel", "--because", "wrong data"
    )
    assert (code, report["job"]["id"], report["job"]["state"]) == (0, job, "superseded")
    row = Ledger(home).read("churn", newest=1)[0]
    assert (row.actor, row.decision, row.why) == (
        "ada", "superseded", "Cancelled by ada: wrong data",
    )  # fmt: skip
    assert [got.json["text"] for got in box.got] == ["onramp: churn: superseded"]
    code, told = answer(home, capsys, "retrain", "churn", "--cancel")
    assert code == 4
    assert told["error"]["what"] == "There is no job of churn to cancel."


def test_a_dead_letter_is_named_until_somebody_acts(home: Home) -> None:
    """`status` says what to say; tried again, it waits for its next worker."""
    job = dead_letter(home)
    (kept,) = Jobs(home).read("churn")
    standing = Standing(task="churn", champion=1, previous=None, newest=1, job=kept)
    assert attention((standing,))[0] == (
        f"churn job {job} is a dead letter: Given up after 2 failures, the last: it hangs "
        "`onramp retrain churn --retry` or `--cancel`"
    )
    assert told_of(kept) == "dead letter (attempt 2): AUC fell"
    place = Place(home=home, actor="ada", host="", port=0, as_json=False)
    prepare(place, find("churn"), Asked(retry=True))
    (again,) = Jobs(home).read("churn")
    assert (again.id, again.state, again.failures) == (job, "requested", 0)
    assert attention((replace(standing, job=again),)) == []


def test_one_wish_at_a_time(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody cancels and retries in one breath."""
    assert run(["retrain", "churn", "--now", "--due", "--home", str(home.root)]) == 2
    assert "at a time" in capsys.readouterr().err


def test_a_person_trusts_mended_data(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken window in the span is learnt from again; without one there is nothing to trust."""
    span = "2026-04-06/2026-04-13"
    assert answer(home, capsys, "retrain", "churn", "--trust", span)[0] == 2
    window = {"start": (NOW - timedelta(days=7)).isoformat(), "end": NOW.isoformat()}
    Ledger(home).append(
        Entry(actor="monitor", task="churn", decision="broken data", why="cents",
              evidence={"as_of": NOW.isoformat(), "window": window, "checks": ["unit"]})
    )  # fmt: skip
    code, (report,) = answer(home, capsys, "retrain", "churn", "--trust", span)
    assert (code, report["row"]) == (0, 2)
    assert Ledger(home).read("churn", newest=1)[0].decision == "trust again"
    assert answer(home, capsys, "retrain", "churn", "--trust", "April")[0] == 2


def test_nothing_waits_for_whom_to_tell(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that this shell has not is no reason not to roll back; `notify` says what it is."""
    monkeypatch.delenv("PAGER_SECRET", raising=False)
    (home.root / "notify.toml").write_text(
        '[[channel]]\nname = "pager"\nkind = "webhook"\nurl = "https://a.org/x"\n'
        'secret = { env = "PAGER_SECRET" }\n'
    )
    request(home)
    code, (report,) = answer(home, capsys, "retrain", "churn", "--cancel")
    assert (code, report["job"]["state"]) == (0, "superseded")
    (line,) = untold(locate(home.root, "ada", as_json=True))
    assert line.startswith("secret of pager in ")
    code, told = answer(home, capsys, "notify")
    assert (code, "PAGER_SECRET is not set" in told["error"]["found"]) == (2, True)


def test_a_test_message_is_answered(
    home: Home, capsys: pytest.CaptureFixture[str], box: Postbox
) -> None:
    """0 where everybody took it, 1 where somebody did not; without a channel it says what to do."""
    code, report = answer(home, capsys, "notify", "--test")
    assert (code, report["tried"]) == (0, [{"channel": "team", "kind": "slack", "problem": ""}])
    box.answers = [404]
    assert run(["notify", "--test", "--home", str(home.root)]) == 1
    assert "answered 404." in capsys.readouterr().out
    dead_letter(home)
    box.answers = [503]
    code, report = answer(home, capsys, "notify")
    assert (code, len(report["undelivered"])) == (1, 1)
    (home.root / "notify.toml").unlink()
    assert run(["notify", "--test", "--home", str(home.root)]) == 4
    assert "notify.toml" in capsys.readouterr().err
