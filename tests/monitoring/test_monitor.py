"""The whole look, over real stores: each planted truth gets its verdict, once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from lifecycle import version_files
from lifecycle.broken_spans import broken_spans
from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.row_keys import row_keys
from lifecycle.triggers import last_said
from monitoring.monitor import monitor, record
from monitoring.report import Drawn
from tests.at_the_gate import at_the_gate
from tests.monitoring.conftest import Tell
from tests.monitoring.world import CHURN, NOW, Story, day
from tests.resealed import reseal


@pytest.mark.parametrize(
    ("story", "verdict", "words"),
    [
        (Story(), "ignore", "Nothing to do: 560 moments"),
        (Story(shift=95), "watch", "comparisons drifted and no harm was seen: x moved by 0."),
        (Story(concept=88), "watch", "which alone triggers nothing"),
        (Story(concept=81), "retrain", "2 of the last 3 windows fell short of what version 1"),
        (Story(unit=95), "broken data", "noise is typically"),
        (Story(gone=95), "broken data", "noise is missing in 100% of rows"),
        (Story(dead=95), "broken data", "noise is 0.0 in 100.0% of rows"),
        (Story(gone=95, concept=81), "broken data", "noise is missing"),
        (Story(gone=74, until=88, concept=74), "watch", "which alone triggers nothing"),
        (Story(silent=98), "broken data", "nothing was received for 4.0 days"),
        (Story(unscored=95), "broken data", "only 0 of 559 due moments were scored. Run"),
        (Story(unscored=60), "insufficient data", "0 moments were answered"),
    ],
    ids=["nothing", "covariate", "one window", "concept", "unit", "missing", "zeros",
         "broken and concept", "broken before", "silence", "unscored", "never scored"],
)  # fmt: skip
def test_planted_truth(told: Tell, story: Story, verdict: str, words: str) -> None:
    """What the story plants is what the verdict names, and the ledger holds it with its reason."""
    home = told(story)
    found = monitor(home, CHURN, as_of=NOW, report=False)
    assert (found.verdict, words in found.reasons[0]) == (verdict, True), found.lines()
    (row,) = Ledger(home).read("churn")
    assert (row.decision, row.actor, row.version) == (verdict, "monitor", "1")
    assert row.why.startswith(found.reasons[0])
    jobs = [(job.id, job.trigger) for job in Jobs(home).read("churn")]
    assert jobs == ([(found.job_id, "decay")] if verdict == "retrain" else [])


def test_a_bad_promotion_is_rolled_back(told: Tell) -> None:
    """A version that never did what it was approved for goes back to one that would have."""
    found = monitor(told(Story(second=75), 2, 1), CHURN, as_of=NOW, report=False)
    assert found.verdict == "roll back", found.lines()
    assert "Version 1 would have done better on the same rows by 0." in found.reasons[0]


def test_rows_that_the_version_before_learnt_from_measure_nothing(told: Tell) -> None:
    """Where the version before was trained on every decayed row, no gain is claimed for it."""
    home = told(Story(second=75), 2, 1)
    registry = Registry(home)
    path = registry.folder(registry.version("churn", 1)) / version_files.ROW_KEYS
    np.save(path, np.unique(row_keys(PredictionLog(home).read("churn"))))
    reseal(registry, registry.version("churn", 1))
    found = monitor(home, CHURN, as_of=NOW, report=False)
    assert "Version 1 could not be measured on the same rows." in found.reasons[0]


def test_a_good_promotion_into_a_changed_world_is_retrained(told: Tell) -> None:
    """Where the version before would have done no better, going back to it helps nobody."""
    found = monitor(told(Story(second=75, concept=70), 3, 1), CHURN, as_of=NOW, report=False)
    assert found.verdict == "retrain", found.lines()


def test_the_same_window_again_changes_nothing(told: Tell) -> None:
    """Looked at twice, a window has one ledger row, one job and one run; a new one counts anew."""
    home = told(Story(concept=81))
    first = monitor(home, CHURN, as_of=NOW, report=False)
    again = monitor(home, CHURN, as_of=NOW, report=False)
    assert (first.repeated, again.repeated) == (False, True)
    assert (first.job_opened, again.job_opened) == (True, False)
    assert (again.job_id, again.run_id) == (first.job_id, first.run_id)
    assert len(Ledger(home).read("churn")) == len(Jobs(home).read("churn")) == 1
    earlier = monitor(home, CHURN, as_of=day(95), report=False)
    assert (earlier.verdict, len(Ledger(home).read("churn"))) == ("watch", 2)


def test_a_cancelled_retrain_is_not_asked_for_again(told: Tell) -> None:
    """Of the same data: a person said no, and the next look at the window leaves it at that."""
    home = told(Story(concept=81))
    first = monitor(home, CHURN, as_of=NOW, report=False)
    Jobs(home).cancel("churn", by="ann", because="a sale ends tomorrow")
    again = monitor(home, CHURN, as_of=NOW, report=False)
    assert (again.verdict, again.job_id, again.job_opened) == ("retrain", first.job_id, False)
    assert [job.state for job in Jobs(home).read("churn")] == ["superseded"]


def test_a_verdict_that_comes_back_is_written_again(told: Tell) -> None:
    """The last row about a window counts: called broken and then not, it is not left as broken."""
    home = told(Story())
    fine = monitor(home, CHURN, as_of=NOW, report=False)
    record(home, replace(fine, verdict="broken data"))
    for repeated in (False, True):
        again = monitor(home, CHURN, as_of=NOW, report=False)
        assert (again.verdict, again.repeated) == ("ignore", repeated)
    rows = reversed(Ledger(home).read("churn"))
    assert [row.decision for row in rows] == ["ignore", "broken data", "ignore"]
    assert broken_spans(home, "churn", NOW) == ()


def test_a_changed_base_rate_is_drift(told: Tell) -> None:
    """It asks for a retrain by that name, and the schedule would, by what the ledger holds."""
    home = told(Story(prior=81))
    found = monitor(home, CHURN, as_of=NOW, report=False)
    assert (found.verdict, found.rules[0]) == ("retrain", "base rate"), found.lines()
    (job,) = Jobs(home).read("churn")
    assert job.trigger == "drift"
    said = last_said(Ledger(home).read("churn"))
    assert said is not None
    assert (said.trigger, said.version) == ("drift", 1)


def test_no_second_retrain_before_a_window_has_passed(told: Tell) -> None:
    """Judged and refused, decay is watched for a window, then asked about again."""
    home = told(Story(concept=81))
    monitor(home, CHURN, as_of=NOW, report=False)
    assert Jobs(home).end(at_the_gate(home, "churn", "ann", 2), "refused", {})
    next_day = monitor(home, CHURN, as_of=NOW - timedelta(hours=1), report=False)
    assert next_day.verdict == "watch"
    assert "a retrain was judged at 2026-04-13" in next_day.reasons[0]


def test_window_file_and_run_hold_the_evidence(told: Tell) -> None:
    """The window's file is strict JSON with the verdict's evidence; MLflow has its numbers."""
    home = told(Story(shift=95))
    found = monitor(home, CHURN, as_of=NOW, report=False)
    stored = json.loads(found.window_json.read_text(), parse_constant=pytest.fail)
    assert (stored["verdict"], stored["evidence"]["rows"]) == ("watch", 560)
    run = MlflowClient(home.tracking_uri).get_run(found.run_id)
    assert run.data.tags["verdict"] == "watch"
    assert run.data.metrics["columns_drifted"] == 2  # x, and the prediction made of it
    assert run.data.metrics["drift/x/values"] == pytest.approx(0.22, abs=0.06)
    assert run.data.metrics["ripened/roc_auc"] > 0.8


def test_pages_are_in_the_run_and_drawn_once(told: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn lies beside the window and in its run; a second look draws nothing anew."""
    home, drawn = told(Story()), []

    def draws(*given: object) -> Drawn:
        folder = cast("Path", given[-1])
        pages = [folder / name for name in ("report.html", "report.json", "performance.html",
                                            "performance-1-plan-pro.html")]  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        for page in pages:
            page.write_text("{}")
        drawn.append(folder)
        return Drawn(
            html=pages[0], json=pages[1], performance_html=pages[2], segment_htmls=(pages[3],)
        )

    monkeypatch.setattr("monitoring.monitor.picture", draws)
    found = monitor(home, CHURN, as_of=NOW)
    again = monitor(home, CHURN, as_of=NOW)
    assert (len(drawn), again.repeated, again.report_html) == (1, True, found.report_html)
    assert again.segment_htmls == found.segment_htmls
    assert found.run_id is not None
    files = {file.path for file in MlflowClient(home.tracking_uri).list_artifacts(found.run_id)}
    assert files == {"window.json", "report.html", "report.json", "performance.html",
                     "performance-1-plan-pro.html"}  # fmt: skip


def test_no_champion(unserved: Home) -> None:
    """Without a champion there is nothing to watch, and the error says what to do first."""
    with pytest.raises(NotReady, match=r"No champion for churn\..*Run `onramp train churn`"):
        monitor(unserved, CHURN, as_of=NOW)
