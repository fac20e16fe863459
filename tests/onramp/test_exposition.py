"""onramp.exposition: the metrics of a home, and the verbs that write them."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.ledger import Entry, Ledger
from lifecycle.verb_runs import read
from onramp.exposition import STATES, VERDICTS, exposition, write_textfile
from onramp.options import Place
from onramp.recorded import recorded
from tests.onramp.overview.homes import NOW, home_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_of(tmp_path / "home")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, by their names in the alphabet."""
    return {
        (sample.name.removeprefix("onramp_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_what_the_stores_say(home: Home) -> None:
    """Verdict, drift, performance with its interval, jobs by state, times and not ages."""
    found = samples(exposition(home).decode())
    assert {v: found["monitor_verdict", "churn", v] for v in VERDICTS} == {
        verdict: float(verdict == "retrain") for verdict in VERDICTS
    }
    assert found["monitor_columns_drifted", "churn"] == 1
    assert found["monitor_breaches", "churn"] == 1
    assert found["performance", "roc_auc", "churn"] == 0.7
    assert found["performance_low", "roc_auc", "churn"] == 0.65
    assert ("performance_high", "roc_auc", "churn") not in found  # what is not known is no number
    assert found["performance_decayed", "churn"] == 1
    assert found["monitor_window_end_timestamp_seconds", "churn"] == NOW.timestamp()
    assert {s: found["jobs", s, "churn"] for s in STATES} == {
        state: float(state == "training") for state in STATES
    }
    assert found["job_open_since_timestamp_seconds", "training", "churn"] == NOW.timestamp()
    assert found["monitor_drift", "age", "churn"] == 0.31
    assert found["unreadable",] == 0


def test_who_serves_is_read_from_the_ledger(home: Home) -> None:
    """A promotion and a rollback count; that monitoring wants one makes nobody champion."""
    for actor, decision, version in (
        ("ann", "promote", "3"), ("ann", "roll back", "2"), ("monitor", "roll back", "2"),
        ("ann", "refuse", "4"),
    ):  # fmt: skip
        Ledger(home).append(
            Entry(actor=actor, task="churn", decision=decision, why="so", version=version)
        )
    row = Ledger(home).read("churn")[2]
    found = samples(exposition(home).decode())
    assert (row.actor, row.decision) == ("ann", "roll back")
    assert found["promoted_version", "churn"] == 2
    assert (
        found["promoted_timestamp_seconds", "churn"] == datetime.fromisoformat(row.at).timestamp()
    )


def test_a_time_that_is_none_stops_nothing(home: Home) -> None:
    """A row that somebody edited leaves out its own number and no other."""
    with closing(sqlite3.connect(home.platform)) as db, db:
        db.execute("UPDATE jobs SET requested_at = 'yesterday'")
    found = samples(exposition(home).decode())
    assert found["jobs", "training", "churn"] == 1
    assert not [name for name in found if name[0] == "job_open_since_timestamp_seconds"]


def place(home: Home) -> Place:
    return Place(home=home, actor="ann", host="", port=0, as_json=False)


def test_a_verb_leaves_word_of_its_end_and_fresh_metrics(home: Home) -> None:
    """Its exit code however it ends, in the record and in the file for node_exporter."""

    @recorded("score")
    def score(place: Place, code: int) -> int:  # noqa: ARG001  the verb's own
        if code == 3:
            raise DataError("It is broken.")
        return code

    assert score(place(home), code=0) == 0
    (good,) = read(home)[0]
    with pytest.raises(DataError):
        score(place(home), code=3)
    ((run,), _) = read(home)
    assert (run.verb, run.exit_code, run.succeeded_at) == ("score", 3, good.ended_at)
    found = samples(home.metrics_file.read_text())
    assert found["verb_last_exit_code", "score"] == 3
    assert found["verb_last_success_timestamp_seconds", "score"] == good.ended_at.timestamp()
    assert home.metrics_file.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in home.metrics_file.parent.iterdir()] == ["onramp.prom"]


def test_what_cannot_be_written_changes_no_verb(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """It ends as it would have, and the log says what went wrong."""
    home.verbs.write_text("in the way")

    @recorded("score")
    def score(place: Place) -> int:  # noqa: ARG001  the verb's own
        return 10

    with caplog.at_level(logging.WARNING):
        assert score(place(home)) == 10
    assert "The end of score could not be written down" in caplog.text


def test_a_mistyped_home_is_not_made(tmp_path: Path) -> None:
    """A verb that finds no data set leaves nothing behind."""
    (tmp_path / "elsewhere").mkdir()
    empty = home_of(tmp_path / "home")
    empty.dataset_file.unlink()

    @recorded("score")
    def score(place: Place) -> int:  # noqa: ARG001  the verb's own
        return 4

    assert score(place(empty)) == 4
    assert not empty.verbs.exists()


def test_a_label_cannot_break_the_format(home: Home) -> None:
    """A task by a name with quotes, a line's end and a backslash comes back as it was."""
    name = 'a"b\\c\nd'
    (home.reports / "churn").rename(home.reports / name)
    (file,) = home.reports.glob("*/*/window.json")
    file.write_text(file.read_text().replace('"churn"', '"a\\"b\\\\c\\nd"'))
    write_textfile(home)
    assert samples(home.metrics_file.read_text())["monitor_rows", name] == 600
