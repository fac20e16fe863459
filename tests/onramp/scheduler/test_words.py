"""onramp.scheduler.words: what `onramp status` says of the scheduler."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import open_home
from lifecycle.worker import me
from onramp.options import Place
from onramp.scheduler.state import Mark, State, read_state, write_state
from onramp.scheduler.words import lines, outcome, standing
from onramp.verbs.status import scheduled

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MARK = Mark(name="nightly", since=NOON)


def state(**changes: object) -> State:
    found = State(worker=me(), started_at=NOON, beat_at=NOON, marks={"nightly": MARK},
                  next_at={"nightly": NOON})  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]  # each of the field's own


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"doing": "score --all"}, "works since 2026-11-22 12:00"),
        ({"stopped": True}, "was stopped"),
        ({"worker": me().replace("/", "/9", 1)}, "was killed"),
    ],
)
def test_it_says_whether_it_lives(changes: dict[str, object], said: str) -> None:
    """By its process, where that can be seen."""
    assert said in standing(state(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "–"),
        ({"exit_code": 10}, "well"),
        ({"exit_code": 3, "said": "It broke."}, "failed with 3: It broke."),
        ({"step": 1, "attempts": 1}, "under way, step 2"),
        ({"step": 0, "attempts": 2, "exit_code": 5, "again": NOON}, "held back, try 3 follows"),
    ],
)
def test_it_says_what_a_run_came_to(changes: dict[str, object], said: str) -> None:
    """Each way that a run can stand."""
    assert outcome(replace(MARK, **changes)) == said  # type: ignore[arg-type]


def test_what_is_written_is_read_and_a_damaged_file_hides_nothing(tmp_path: Path) -> None:
    """`onramp status` says that it cannot be read, and shows the rest."""
    home = open_home(tmp_path / "home")
    place = Place(home=home, actor="ann", host="", port=0, as_json=False)
    assert scheduled(place) == (None, "")
    write_state(home, state())
    assert scheduled(place) == (state(), "")
    assert len(lines(state())) == 3
    home.scheduler_file.write_text("{}")
    with pytest.raises(DataError, match="begins it anew"):
        read_state(home)
    assert "cannot be read" in scheduled(place)[1]
