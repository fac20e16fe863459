"""An overview and a home that have everything, and names that somebody made to break a page."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lifecycle.home import Home, open_home
from lifecycle.verb_runs import VerbRun
from onramp.overview.look import Cost, Expected, Look, Moved, Quality, Seen, Stretch
from onramp.overview.overview import Overview
from onramp.overview.rows import Decision, JobCount, JobRow
from onramp.scheduler.state import Mark, State

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
TRICK = '"><img src=x onerror="document.title=1"><script>document.title=2</script>&amp;\'{{7*7}}'
COLUMNS = ("age", "plan", TRICK)


def quality(weeks_ago: int, **changes: Any) -> Quality:
    end = NOW - weeks_ago * WEEK
    facts: dict[str, Any] = {
        "span": Stretch(start=end - WEEK, end=end), "metric": "roc_auc", "version": 3,
        "labelled": 640, "value": 0.80 - 0.02 * weeks_ago, "low": 0.75 - 0.02 * weeks_ago,
        "high": 0.85 - 0.02 * weeks_ago, "baseline": 0.82, "outcome": "fine",
    }  # fmt: skip
    return Quality(**{**facts, **changes})


def look(weeks_ago: int, **changes: Any) -> Look:
    """A look of so many weeks ago; the third column has everything that breaks a page."""
    moved = tuple(
        Moved(column=name, effect=0.1 * n + 0.05 * weeks_ago,
              outcome="drifted" if n == 2 else "stable")
        for n, name in enumerate(COLUMNS)
    )  # fmt: skip
    gone = Moved(column="age", what="missing", effect=None)
    ripened = (quality(weeks_ago + 2), quality(weeks_ago + 3, outcome="decayed"))
    seen = Seen(rows=600, due=620, drift=(*moved, gone), performance=ripened,
                estimated=Expected(metric="roc_auc", value=0.78))  # fmt: skip
    facts: dict[str, Any] = {
        "task": "churn", "as_of": NOW - weeks_ago * WEEK, "version": 3, "verdict": "watch",
        "reasons": (f"{TRICK} moved by 0.20", "One bad window."), "evidence": seen,
        "run_id": "a1b2", "job_id": None, "looked_at": NOW,
        "budgets": (Cost(alarm="drift", a_month=0.18, at_most=0.71),),
    }  # fmt: skip
    return Look(**{**facts, **changes})


JOB = JobRow(
    id="0123456789ab", task="churn", state="promoted", why=TRICK, requested_by="monitor",
    requested_at=(NOW - WEEK).isoformat(), ended_at=NOW.isoformat(), attempts=1, outcome="{}",
)  # fmt: skip
STATE = State(
    worker="elsewhere/1/1.00", started_at=NOW, beat_at=NOW, next_at={"nightly": NOW + WEEK},
    marks={"nightly": Mark(name="nightly", since=NOW, began_at=NOW, ended_at=NOW, exit_code=3,
                           said=TRICK, succeeded_at=NOW)},
)  # fmt: skip
OVERVIEW = Overview(
    home="/srv/onramp/.onramp",
    read_at=NOW,
    dataset=f"A data set {TRICK}",
    newest_data=NOW - timedelta(hours=5),
    questions={"churn": "Will this customer leave?", TRICK: TRICK},
    looks={"churn": tuple(look(n) for n in range(6)), TRICK: ()},
    jobs=(JOB,),
    job_counts=(
        JobCount(task="churn", state="promoted", jobs=2, open_since=None),
        JobCount(task="churn", state="training", jobs=1, open_since=NOW.isoformat()),
    ),
    decisions=(Decision(number=9, at=NOW.isoformat(), actor=TRICK, task="churn",
                        decision="promote", why=TRICK, version="3"),),
    promoted={"churn": Decision(number=8, at=NOW.isoformat(), actor=TRICK, task="churn",
                                decision="promote", why=TRICK, version="3")},
    verbs=(VerbRun(verb="score", ended_at=NOW, exit_code=0, seconds=12.0, succeeded_at=NOW),),
    scheduler=STATE,
    problems=(f"{TRICK} cannot be read.",),
)  # fmt: skip


def crowded(windows: int, columns: int) -> Overview:
    """Many windows of many columns, and names as long as they come, without a blank in them."""
    long = "W" * 120
    names = [f"{long}_{n}" for n in range(columns)]
    moved = tuple(
        Moved(column=name, effect=n / columns, outcome="drifted" if n % 7 == 0 else "stable")
        for n, name in enumerate(names)
    )
    looks = tuple(
        look(n, task=long, verdict="insufficient data", reasons=(long, f"{names[0]} moved."),
             evidence=Seen(rows=10**9, due=10**9, drift=moved, performance=(quality(n),)))
        for n in range(windows)
    )  # fmt: skip
    told = replace(OVERVIEW.decisions[0], task=long, actor=long, why=long)
    return replace(
        OVERVIEW, home=f"/{long}", dataset=long, questions={long: long}, looks={long: looks},
        jobs=(replace(JOB, id=long, task=long, why=long, requested_by=long),),
        decisions=(told,), promoted={long: told}, problems=(long,),
    )  # fmt: skip


EMPTY = Overview(home="/srv/onramp/.onramp", read_at=NOW)
ONE_TASK = replace(EMPTY, dataset="A toy", questions={"churn": "Who leaves?"}, looks={"churn": ()})
DATASET = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"
[vocabulary]
events = ["login"]
"""
WINDOW: Mapping[str, Any] = {
    "task": "churn", "as_of": NOW.isoformat(), "version": 3, "verdict": "retrain",
    "reasons": ["It decayed."], "report_html": "report.html", "report_problem": "",
    "run_id": "a1b2", "job_id": "0123456789ab", "a_field_of_tomorrow": {"x": [1]},
    "evidence": {
        "rows": 600, "due": 620,
        "broken": [{"check": "unit", "words": "value is 100 times as large"}],
        "drift": [{"column": "age", "what": "values", "effect": 0.31, "outcome": "drifted"}],
        "performance": [{
            "span": {"start": (NOW - 3 * WEEK).isoformat(), "end": (NOW - 2 * WEEK).isoformat()},
            "metric": "roc_auc", "version": 3, "labelled": 600, "value": 0.7, "low": 0.65,
            "high": None, "baseline": 0.82, "outcome": "decayed",
        }],
    },
}  # fmt: skip

TABLE = (
    "CREATE TABLE jobs (id, task, state, why, requested_by, requested_at, as_of, worker,"
    " heartbeat_at, ended_at, attempts, outcome, a_column_of_tomorrow)"
)


def home_of(folder: Path) -> Home:
    """A home on disk: a data set, one look with its report, one job."""
    home = open_home(folder)
    home.root.mkdir(parents=True)
    home.dataset_file.write_text(DATASET)
    window = home.reports / "churn" / "2026-11-22T060000Z"
    window.mkdir(parents=True)
    (window / "window.json").write_text(json.dumps(WINDOW))
    (window / "report.html").write_text("<!doctype html><title>Evidently</title>")
    with closing(sqlite3.connect(home.platform)) as db, db:
        db.execute(TABLE)
        db.execute(
            "INSERT INTO jobs (id, task, state, why, requested_by, requested_at, attempts, outcome)"
            " VALUES ('0123456789ab', 'churn', 'training', 'It decayed.', 'monitor', ?, 1, '{}')",
            (NOW.isoformat(),),
        )
    return home
