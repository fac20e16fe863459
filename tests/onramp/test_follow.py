"""`onramp ingest --follow`: what a file or a stream brings is in the features that are served."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.store import forget_store, online
from ingestion.follow import Folder
from lifecycle.errors import UsageError
from onramp.cli import run
from onramp.follow import Follower
from tests.features.canonical import START, days
from tests.features.fresh.live import served_home

HEAD = "event_id,customer_id,event,occurred_at,received_at,session_id,item,value\n"


def test_a_file_that_is_put_into_the_folder_is_in_the_features(tmp_path: Path) -> None:
    """Of customers who are known; the others' rows are in the store alone."""
    home = served_home(tmp_path / "home", ["a", "b"])
    folder = tmp_path / "files"
    (folder / "events").mkdir(parents=True)
    follower = Follower(home, Folder(home, home.dataset_file, folder), None)
    assert follower.look() is None
    at = (START + days(10.5)).isoformat()
    lines = [f"{n},{name},buy,{at},{at},,,\n" for n, name in enumerate(("a", "stranger"))]
    (folder / "events" / "one.csv").write_text(HEAD + "".join(lines))
    assert follower.look() is None
    found = follower.look()
    assert found is not None
    assert (found.kept, found.quarantined, found.fresh, found.trouble) == (2, 0, 2, "")
    rows = online(home, "churn", ["a", "b", "stranger"])
    assert [row.values["count_buy_7d"] for row in rows] == [1.0, 0.0, None]
    assert rows[0].event_timestamp == START + days(10.5)
    assert follower.look() is None
    forget_store(home)


@pytest.mark.parametrize(
    "words", [["--follow"], ["--follow", "--from", "x", "--stream", "redis://h:1/0/e"]]
)
def test_one_source_is_followed(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither none nor two."""
    assert run(["ingest", "simulated", "--home", str(tmp_path / "home"), *words]) == 2
    assert "What is to be followed?" in capsys.readouterr().err


def test_a_stream_is_only_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no end that a command could wait for."""
    words = ["ingest", "simulated", "--home", str(tmp_path / "home"), "--stream", "redis://h/0/e"]
    assert run(words) == UsageError.exit_code
    assert "Say --follow" in capsys.readouterr().err
