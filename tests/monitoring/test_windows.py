"""Windows hold each moment once and lie end to end, by time or by count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home, open_home
from lifecycle.prediction import COLUMNS, Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.profile import profile_of, shape_of
from lifecycle.profiling import Bounds
from lifecycle.task import Monitor, Task
from monitoring.complete import Truth
from monitoring.windows import DAY, Window, opened, spans
from tasks.churn import TASK

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CHURN: Task = replace(TASK, moments=(1, 3), horizon_days=7)
TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login"]
"""


def answer(customer: str | None, days_ago: float, **changes: object) -> Prediction:
    moment = NOW - timedelta(days=days_ago)
    return Prediction(**{
        "receipt_id": f"{customer}-{days_ago}-{sorted(changes.items())}", "task": "churn",
        "version": 1, "customer_id": customer, "event_timestamp": moment, "scored_at": moment,
        "origin": "batch", "prediction": 0.5, "answer": "no",
        "probabilities": {"no": 0.5, "yes": 0.5}, "features": {"visits": 1.0}, **changes,
    })  # fmt: skip


def home_of(folder: Path, *answers: Prediction) -> Home:
    """A home whose log holds the answers; nobody has signed up."""
    home = open_home(folder / "home")
    home.root.mkdir(parents=True, exist_ok=True)
    home.dataset_file.write_text(TOML)
    PredictionLog(home).write(answers)
    return home


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opening:
        yield opening


def windows(stack: ExitStack, home: Home, count: int = 1, champion: int = 1) -> list[Window]:
    served = stack.enter_context(opened(home, CHURN, NOW, champion))
    return [served.window(span) for span in spans(NOW, days=7, count=count)]


@given(days=st.integers(1, 30), count=st.integers(1, 6))
@settings(deadline=None)
def test_spans_lie_end_to_end(days: int, count: int) -> None:
    """Newest first, each of the asked length, each beginning where the next older one ends."""
    found = spans(NOW, days=days, count=count)
    assert found[0].end == NOW
    assert all(span.end - span.start == timedelta(days=days) for span in found)
    assert all(newer.start == older.end for newer, older in pairwise(found))


def test_a_row_on_the_edge_belongs_to_one_window(tmp_path: Path, stack: ExitStack) -> None:
    """A moment on the common edge of two windows is in the older one only."""
    home = home_of(tmp_path, answer("a", 0), answer("b", 7), answer("c", 14), answer("d", 3))
    newer, older = windows(stack, home, 2)
    assert list(newer.read(COLUMNS)["customer_id"]) == ["d", "a"]
    assert list(older.read(COLUMNS)["customer_id"]) == ["b"]


def test_versions_are_counted(tmp_path: Path, stack: ExitStack) -> None:
    """A window knows which versions answered, and can hand out the rows of one."""
    home = home_of(tmp_path, answer("a", 1), answer("b", 1, version=2), answer("c", 2, version=2))
    (window,) = windows(stack, home, champion=2)
    assert (window.rows, window.versions) == (3, {1: 1, 2: 2})
    assert list(window.read(COLUMNS, version=2)["customer_id"]) == ["c", "b"]
    assert window.firsts == {1: NOW - timedelta(days=1), 2: NOW - timedelta(days=2)}


def test_the_champions_answer_counts_once(tmp_path: Path, stack: ExitStack) -> None:
    """A moment answered by two versions and twice by one is one row, the champion's newest."""
    later = NOW + timedelta(hours=1)
    home = home_of(
        tmp_path,
        answer("a", 1, version=1, prediction=0.1),
        answer("a", 1, version=2, prediction=0.2),
        answer("a", 1, version=1, prediction=0.3, scored_at=later),
    )
    (window,) = windows(stack, home)
    assert list(window.read(COLUMNS)["prediction"]) == [0.3]


def test_online_requests_count_only_without_a_batch(tmp_path: Path, stack: ExitStack) -> None:
    """Whoever was asked about online does not weigh in beside everybody whose moment was due."""
    online = answer("b", 1, origin="online")
    nobody = answer(None, 1, origin="invocations", event_timestamp=None)
    both = home_of(tmp_path / "both", answer("a", 1), online, nobody)
    alone = home_of(tmp_path / "alone", online, nobody)
    assert list(windows(stack, both)[0].read(COLUMNS)["customer_id"]) == ["a"]
    assert list(windows(stack, alone)[0].read(COLUMNS)["customer_id"]) == ["b"]


def test_shadows_were_served_to_nobody(tmp_path: Path, stack: ExitStack) -> None:
    """What a challenger said unseen is in no window; what a canary said was an answer."""
    shadow = answer("a", 1, origin="shadow", version=2)
    online, canary = answer("a", 1, origin="online"), answer("b", 1, origin="canary")
    home = home_of(tmp_path, shadow, online, canary)
    for champion in (1, 2):
        (window,) = windows(stack, home, champion=champion)
        assert list(window.read(COLUMNS)["origin"]) == ["online", "canary"]


def test_nothing_was_logged(tmp_path: Path, stack: ExitStack) -> None:
    """Windows over a log that is not there are empty, not an error."""
    found = windows(stack, home_of(tmp_path), 3)
    assert [window.rows for window in found] == [0] * 3
    assert found[0].read(COLUMNS).empty
    assert found[0].profile([shape_of("visits", pd.Series([1.0]))], {}).parts == {}


def test_windows_by_count(tmp_path: Path, stack: ExitStack) -> None:
    """Each holds its rows, whatever days they take; the oldest holds what is left, then none."""
    home = home_of(tmp_path, *(answer(f"c{n}", 0.5 * n * n) for n in range(7)))
    served = stack.enter_context(opened(home, CHURN, NOW, 1))
    found = [served.window(s) for s in served.spans(Monitor(window_rows=3), NOW, 4)]
    assert [list(w.read(COLUMNS)["customer_id"]) for w in found] == [
        ["c2", "c1", "c0"], ["c5", "c4", "c3"], ["c6"], [],
    ]  # fmt: skip
    assert all(newer.span.start == older.span.end for newer, older in pairwise(found))


@given(
    ages=st.lists(st.integers(0, 6), min_size=1, max_size=25),
    rows=st.integers(1, 6), count=st.integers(1, 5),
)  # fmt: skip
@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_windows_by_count_share_no_moment(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int], rows: int, count: int
) -> None:
    """However many moments fall together, no window holds one of another's, and none is lost."""
    given = [answer(f"c{n}", age) for n, age in enumerate(ages)]
    home = home_of(tmp_path_factory.mktemp("count"), *given)
    with opened(home, CHURN, NOW, 1) as served:
        found = [served.window(s) for s in served.spans(Monitor(window_rows=rows), NOW, count)]
        taken = [customer for window in found for customer in window.read(COLUMNS)["customer_id"]]
    assert len(taken) == len(set(taken))
    assert len(taken) >= min(len(given), rows * (count - 1))
    assert all(newer.span.start == older.span.end for newer, older in pairwise(found))


def test_counts_in_sql_are_the_frames(tmp_path: Path, stack: ExitStack) -> None:
    """One pass of DuckDB counts what is counted of a frame, whatever values there are."""
    odd = [0.0, -0.0, 0.1 + 0.2, 0.3, 1e-9, -5.0, 7.0, 7.0, float("inf"), float("nan"), None, 1e9]
    words = ["a", "b", "", "=a", "'", "a", None, "new", "b", "a", "", "b"]
    rows = [
        answer(f"c{n}", 1 + n / 100, features={"x": x, "word": word})
        for n, (x, word) in enumerate(zip(odd, words, strict=True))
    ]
    (window,) = windows(stack, home_of(tmp_path, *rows))
    frame = pd.DataFrame({"x": odd, "word": words})
    shapes = [shape_of("x", frame["x"].head(8)), shape_of("word", frame["word"].head(6))]
    bounds = {"x": Bounds(at_least=-1.0, at_most=7.0)}
    ours = window.profile(shapes, bounds).whole().columns
    known = profile_of(frame, shapes).whole().columns
    for name in ("x", "word"):
        assert ours[name].at.tolist() == known[name].at.tolist()
        assert (ours[name].missing, ours[name].least) == (known[name].missing, known[name].least)
    assert ours["x"].outside == 2
    assert window.commonest("word", ("a", "b")) == ("", 2)


def test_how_complete_a_window_is(tmp_path: Path, stack: ExitStack) -> None:
    """Due, scored, ripe and labelled moments are counted, and labels that came late."""
    home = home_of(tmp_path, answer("a", 9), answer("b", 9), answer("c", 6))
    signed = [NOW - timedelta(days=ago) for ago in (10, 10, 7, 10)]
    came = NOW - timedelta(days=5)
    tables = {
        "customers": pd.DataFrame(
            {"customer_id": list("abcd"), "signed_up_at": signed, "received_at": signed}
        ),
        "events": pd.DataFrame(
            {"event_id": ["1", "2"], "customer_id": ["a", "b"], "event": "login",
             "occurred_at": came, "received_at": [came, NOW]}
        ),
    }  # fmt: skip
    for name, table in tables.items():
        table.to_parquet(home.root / f"{name}.parquet", index=False)
    EventStore(home).commit(
        (), [Part(path=f"{n}.parquet", holds=n, rows=len(t)) for n, t in tables.items()]
    )
    served = stack.enter_context(opened(home, CHURN, NOW, 1))
    wanted = spans(NOW, days=7, count=2)
    found = [served.window(span) for span in wanted]
    newest, older = Truth(served, home, CHURN, NOW).since(wanted[-1].start).complete(found)
    assert (newest.due, newest.scored, newest.ripe) == (2, 1, 0)
    assert (older.due, older.scored, older.ripe, older.labelled, older.late) == (6, 2, 2, 2, 1)
    assert "2 of 6 due moments scored, 100% of their horizons over" in older.words
    assert "2 labels known, 1 of them late or corrected" in older.words
    assert found[1].read([DAY])[DAY].tolist() == [1, 1]
