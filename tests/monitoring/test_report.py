"""Evidently draws what we compared, says the same where it is sound, and survives bad windows."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from lifecycle.errors import Busy
from lifecycle.lock import held
from monitoring import drawing
from monitoring.drawing import drawable, page_of
from monitoring.report import Drawn, Frames, Plan, draw, last_words, sampled
from tests.monitoring.counted import compare
from tests.postgres import free_port

COLUMNS = (*(f"same{n}" for n in range(6)), "shifted", "scaled", "kept", "moved", "gone", "partly")


def window(seed: int, rows: int, *, moved: bool) -> pd.DataFrame:
    """Twelve columns; with `moved`, four of them have drifted and one is gone."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"same{n}": rng.gamma(2.0, size=rows) for n in range(6)})
    frame["shifted"] = rng.normal(size=rows) + (0.5 if moved else 0.0)
    frame["scaled"] = rng.normal(size=rows) * (2.0 if moved else 1.0)
    frame["kept"] = rng.choice(["a", "b", "c"], size=rows)
    frame["moved"] = rng.choice(["a", "b", "c"], size=rows, p=[0.7, 0.2, 0.1] if moved else None)
    frame["gone"] = np.nan if moved else rng.normal(size=rows)
    frame["partly"] = pd.array(np.where(rng.uniform(size=rows) < 0.4, None, 1.0), dtype="Int64")
    return frame


def ripened(seed: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    prediction = rng.uniform(size=rows)
    return pd.DataFrame(
        {
            "label": np.where(rng.uniform(size=rows) < prediction, "yes", "no"),
            "answer": np.where(prediction > 0.5, "yes", "no"),
            "prediction": prediction,
            "plan": np.where(np.arange(rows) % 3 == 0, "Pro / yearly", "free"),
            "rare": np.where(np.arange(rows) % 50 == 0, "x", None),
        }
    )


@pytest.fixture(scope="module")
def frames() -> Frames:
    return Frames(
        reference=window(1, 3_000, moved=False), current=window(2, 1_000, moved=True),
        approved=ripened(1, 600), ripened=ripened(2, 400),
    )  # fmt: skip


@pytest.fixture(scope="module")
def drawn(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("report")
    plan = Plan(
        columns=COLUMNS, kind="binary", task="churn", as_of="2026-06-01", segments=("plan", "rare"),
        workspace=folder / "evidently",
    )  # fmt: skip
    return draw(plan, frames, folder / "churn" / "2026")


def test_it_says_what_we_say(frames: Frames, drawn: Drawn) -> None:
    """With pinned methods Evidently finds the columns that our own comparison finds, no others."""
    ours = {
        drift.column
        for drift in compare(frames.reference, frames.current, COLUMNS, effect=0.1)
        if drift.outcome == "drifted" and drift.what == "values"
    }
    assert drawn.problem == ""
    assert set(drawn.drifted) == ours == {"shifted", "scaled", "moved"}


def test_a_column_that_is_all_missing_is_left_out_and_named(drawn: Drawn) -> None:
    """A column that would take the whole report with it is left out, and the report says so."""
    assert drawn.left_out == ("gone",)


def test_files_are_whole(drawn: Drawn) -> None:
    """Two pages and one strict JSON file are written."""
    assert drawn.html is not None
    assert drawn.performance_html is not None
    assert drawn.json is not None
    assert "<html" in drawn.html.read_text(encoding="utf-8")
    assert "<html" in drawn.performance_html.read_text(encoding="utf-8")
    found = json.loads(drawn.json.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    names = {"drift", "performance", "drifted", "left_out", "segments", "runs"}
    assert names == set(found)
    methods = {
        (metric["config"]["method"], metric["config"]["threshold"])
        for metric in found["drift"]["metrics"]
        if metric["config"]["type"].endswith(":ValueDrift")
    }
    assert methods == {("ks", 0.01 / 11), ("jensenshannon", 0.1)}


def test_quality_of_each_segment_is_drawn_apart(drawn: Drawn) -> None:
    """Segments that are large enough have a page each, with their own numbers."""
    assert [page.name for page in drawn.segment_htmls] == [
        "performance-1-plan-free.html", "performance-2-plan-pro-yearly.html",
    ]  # fmt: skip
    assert all("<html" in page.read_text(encoding="utf-8") for page in drawn.segment_htmls)
    assert drawn.json is not None
    stored = json.loads(drawn.json.read_text(encoding="utf-8"))["segments"]
    values = [
        [metric["value"] for metric in one["metrics"] if "Accuracy" in metric["config"]["type"]]
        for one in stored.values()
    ]
    assert len(values) == 2
    assert values[0]
    assert values[0] != values[1]


def test_each_segment_has_a_page_of_its_own() -> None:
    """Values that look alike in plain letters, or have none, or are long, share no file."""
    values = ["A/B", "A B", "日本", "東京", "x" * 400, "x" * 401]
    pages = [page_of(n, f"plan = {value}") for n, value in enumerate(values)]
    assert len(set(pages)) == len(values)
    assert max(map(len, pages)) < 100


def test_two_tasks_never_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidently reads the whole workspace: another's half-written page would cost the report."""
    monkeypatch.setattr(drawing, "PATIENCE_SECONDS", 0.0)
    plan = Plan(columns=(), kind="binary", task="churn")
    with (
        held(tmp_path / "evidently.lock", "another"),
        pytest.raises(Busy, match="Filing Evidently's pages is under way"),
    ):
        drawing.browse(tmp_path / "evidently", plan, {}, tmp_path)


def test_windows_can_be_browsed(drawn: Drawn, frames: Frames) -> None:
    """Evidently's own pages show the task; a window drawn again replaces what it was."""
    assert drawn.html is not None
    workspace = drawn.html.parents[2] / "evidently"
    plan = Plan(columns=("shifted",), kind="binary", task="churn", workspace=workspace)
    folder = drawn.html.parents[1] / "2027"
    only = Frames(reference=frames.reference, current=frames.current)
    assert [draw(plan, only, folder).problem for _ in range(2)] == ["", ""]
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).with_name("evidently"), "ui", "--workspace", workspace, "--port",
         str(port)],
        env={**os.environ, "DO_NOT_TRACK": "1"}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}"
        (project,) = answered(server, f"{base}/api/projects")
        assert project["name"] == "churn"
        runs = answered(server, f"{base}/api/projects/{project['id']}/snapshots")
    finally:
        server.terminate()
        server.wait()
    names = sorted(str(run.get("name")) for run in runs)
    assert len(runs) == 5, names  # drift, quality and two segments of one window; drift of another


def answered(server: subprocess.Popen[bytes], url: str) -> Any:
    """What the server says once it is up; it fails only by dying."""
    while server.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            found = httpx.get(url, timeout=60)
            found.raise_for_status()
            return found.json()
        time.sleep(0.2)
    pytest.fail(f"the server ended with {server.returncode}")


def test_we_do_not_load_it() -> None:
    """Monitoring itself never imports Evidently: only the process that draws does."""
    code = "import sys, monitoring.monitor; print('evidently' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_empty_window_is_told_not_raised(frames: Frames, tmp_path: Path) -> None:
    """No rows, no report, and the reason; nothing is drawn and nothing raised."""
    empty = Frames(reference=frames.reference, current=frames.current.head(0))
    found = draw(Plan(columns=COLUMNS, kind="binary"), empty, tmp_path)
    assert found == Drawn(problem="there were no rows to draw")


def test_a_report_that_fails_is_told_not_raised(frames: Frames, tmp_path: Path) -> None:
    """A column that is in no frame fails the drawing process; its last words are the problem."""
    found = draw(Plan(columns=("nowhere",), kind="binary"), frames, tmp_path)
    assert (found.html, found.problem) == (None, "KeyError: 'nowhere'")


def test_the_last_words_are_the_exceptions() -> None:
    """Whatever a library says while it is torn down, and also where there is no exception."""
    torn = "Traceback …\nKeyError: 'nowhere'\nterminate called without an active exception\n"
    assert last_words(torn) == "KeyError: 'nowhere'"
    assert last_words("Killed\n") == "Killed"
    assert last_words("") == "it died without a word"


def test_only_plain_types_are_drawn(frames: Frames) -> None:
    """Nullable, boolean and missing values become float64 and text before Evidently sees them."""
    made, _ = drawable(frames, COLUMNS)
    assert {str(dtype) for dtype in made.current.dtypes} == {"float64", "object"}
    assert not made.current.select_dtypes("object").isna().any().any()


def test_sample_keeps_the_answers_shares() -> None:
    """A large window is cut to the limit, each answer in its own proportion, the same each time."""
    frame = pd.DataFrame({"answer": ["yes"] * 3_000 + ["no"] * 27_000, "x": range(30_000)})
    taken = sampled(frame, seed=0)
    assert taken["answer"].value_counts().to_dict() == {"no": 18_000, "yes": 2_000}
    pd.testing.assert_frame_equal(taken, sampled(frame, seed=0))
    assert not taken.equals(sampled(frame, seed=1))
    frame.loc[7, "answer"] = "hardly ever"
    assert sampled(frame, seed=0)["answer"].value_counts()["hardly ever"] == 1
