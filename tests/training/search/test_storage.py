"""Where studies are kept: journals that survive a kill in a write, databases with clear errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from lifecycle.errors import NotReady, UsageError
from tests.postgres import postgres_server
from tests.training.search.conftest import make_plan, make_problem, told
from tests.training.search.helped import until_helped, workers_in
from training.search import crew
from training.search.board import open_board
from training.search.search import search
from training.search.storage import mend, open_database, open_storage


def test_a_line_that_a_kill_cut_short_is_not_read_with_the_next(tmp_path: Path) -> None:
    """The journal goes on after half a line: what was whole before and after is all there."""
    plan = make_plan(tmp_path)
    board = open_board(plan)
    with plan.journal.open("ab") as file:
        file.write(b'{"op_code":5,"study')
    board.storage.set_study_user_attr(board.study, "after", 1)
    assert [json.loads(line) for line in plan.journal.read_text().splitlines()]
    again = open_board(plan)
    assert again.storage.get_study_user_attrs(again.study) == {"after": 1}


@pytest.mark.parametrize("text", [b"", b"half", b"one\n", b"one\ntw", b"one\n" + b"x" * 9_000])
def test_only_an_unfinished_end_is_cut_off(tmp_path: Path, text: bytes) -> None:
    """Whole lines stay as they were, however long the broken one is."""
    (tmp_path / "journal").write_bytes(text)
    mend(tmp_path / "journal")
    assert (tmp_path / "journal").read_bytes() == text[: text.rfind(b"\n") + 1]


def test_what_is_no_database_says_so() -> None:
    """The error shows how a URL is written."""
    with pytest.raises(UsageError, match=r"'search' is no database URL.*postgresql"):
        open_database("search")


def test_a_database_without_its_driver_says_so() -> None:
    """The error names the driver's module and never the password."""
    with pytest.raises(UsageError, match=r"cannot be kept in mysql") as caught:
        open_database("mysql+mysqldb://me:secret@db/search")
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_answer_says_so(tmp_path: Path) -> None:
    """Not a traceback of three libraries, and no password."""
    url = f"sqlite:///{tmp_path}/no/such/folder/search.db"
    with pytest.raises(NotReady, match=r"does not answer.*unable to open database file"):
        open_board(replace(make_plan(tmp_path), storage=url))


def test_processes_share_a_search_through_a_postgresql_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two of them, a real server with a password in the URL: the trials of one alone.

    Both did some, and neither ended before its time.
    """
    stages = (make_problem(200, rounds=5),)
    with postgres_server() as server:
        user = f"{server['PGUSER']}:{quote(server['PGPASSWORD'], safe='')}"
        url = f"postgresql+psycopg://{user}@127.0.0.1:{server['PGPORT']}/postgres"
        shared = replace(make_plan(tmp_path / "shared", 12), storage=url, workers=2)
        both = told(search(stages, shared, until_helped(lambda: open_storage(shared))))
        assert len(workers_in(open_storage(shared))) == 2
    assert [record for record in caplog.records if record.name == crew.__name__] == []
    assert both == told(search(stages, make_plan(tmp_path / "alone", 12)))
