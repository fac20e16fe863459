"""serving.replay and `onramp explain`: a past answer is made again exactly, or why not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import DataError, NotReady
from lifecycle.home import Home, open_home
from lifecycle.prediction import FeatureValue, Prediction
from lifecycle.prediction_log import PredictionLog
from onramp.cli import run
from serving.app import build_app
from serving.receipts import prune
from serving.replay import TOLERANCE, closeness, parts, replay, worst
from serving.shown import explained as explained_page
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.test_personal import Store

TASKS = (churn.TASK, preference.TASK)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def page(forged: Forged) -> dict[str, Any]:
    """What one user was shown; the server has ended since."""
    with TestClient(build_app(forged.home, TASKS, lookup=Store())) as client:
        row = {"visits": 3.0, "spent": 1.5, "country": "nowhere"}
        client.post("/invocations", json={"dataframe_records": [row]})
        body: dict[str, Any] = client.get("/api/personalization/known-1").json()
    return body


def explained(
    home: Home, capsys: pytest.CaptureFixture[str], receipt: str, code: int = 0
) -> dict[str, Any]:
    assert run(["explain", receipt, "--home", str(home.root), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_page_is_replayed_exactly(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both answers by one receipt: the same score, order and reasons, and the words shown then."""
    found = explained(forged.home, capsys, page["receipt_id"])
    assert found["same"] is True
    risk, content = found["answers"]
    assert (risk["task"], risk["version"], risk["verdict"]) == ("churn", 1, "identical")
    assert risk["reasons_verdict"] == "identical"
    assert risk["reasons"] == page["risk"]["reasons"]
    assert risk["replayed"] == risk["logged"] == page["risk"]["probability"]
    assert risk["band"] == page["risk"]["band"]
    assert risk["features"] == {"visits": 3.0, "spent": None, "country": "DE"}
    assert (content["task"], content["verdict"]) == ("preference", "identical")
    assert list(content["ranked"]) == [row["type"] for row in page["content"]["ranked"]]
    assert content["reasons_verdict"] is None


def test_what_a_page_showed_is_kept_and_replayed(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The order of the content from the version, the segments as they were, the same welcome."""
    shown = explained(forged.home, capsys, page["receipt_id"])["page"]
    assert shown["content"] == [row["type"] for row in page["content"]["ranked"]]
    assert (shown["content_verdict"], shown["welcome_verdict"]) == ("identical", "identical")
    assert shown["segments"]["stage"] == page["segment"]["stage"]["name"] == "new"
    assert shown["segments"]["segments"] == [one["name"] for one in page["segment"]["segments"]]
    assert shown["segments"]["event_timestamp"] == page["segment"]["event_timestamp"]
    assert shown["welcome"] == shown["welcome_now"] == page["welcome"]["text"]
    assert explained(forged.home, capsys, page["risk"]["receipt_id"])["page"] is None


def test_another_content_table_is_no_other_answer(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """What the user read is told, and what now; the models' answers are the same."""
    forged.home.content_file.write_text(
        '[[content]]\ntype = "faq"\ntitle = "Ask"\n[[welcome]]\ntext = "Hello!"\n'
    )
    found = explained(forged.home, capsys, page["receipt_id"])
    assert found["same"] is True
    assert (found["page"]["welcome"], found["page"]["welcome_now"]) == (
        page["welcome"]["text"], "Hello!",
    )  # fmt: skip
    assert found["page"]["welcome_verdict"] == "different"
    forged.home.content_file.write_text("[[[")
    broken = explained(forged.home, capsys, page["receipt_id"])["page"]
    assert "content.toml" in broken["welcome_now"]
    assert run(["explain", page["receipt_id"], "--home", str(forged.home.root)]) == 0
    said = capsys.readouterr().out
    assert f"welcome: {page['welcome']['text']!r} (today's table: different)" in said
    assert "segments (as kept): stage new" in said


def test_a_page_that_was_all_fallback_is_explained_too(
    forged: Forged, capsys: pytest.CaptureFixture[str]
) -> None:
    """No version answered: what was shown, to whom and why, as it was kept; until it is pruned."""
    with TestClient(build_app(forged.home, TASKS, lookup=Store())) as client:
        body = client.get("/api/personalization/nobody").json()
    found = explained(forged.home, capsys, body["receipt_id"])
    assert (found["same"], found["answers"]) == (True, [])
    page = found["page"]
    assert (page["user_id"], page["fallback_reason"]) == ("nobody", body["fallback_reason"])
    assert page["content"] == [row["type"] for row in body["content"]["ranked"]]
    assert page["content_verdict"] is None
    assert page["welcome"] == page["welcome_now"] == body["welcome"]["text"]
    assert run(["explain", body["receipt_id"], "--home", str(forged.home.root)]) == 0
    said = capsys.readouterr().out
    assert "The page of customer nobody showed: " in said
    assert f"fallback: {body['fallback_reason']}" in said
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    prune(forged.home.receipts, tomorrow)
    assert run(["explain", body["receipt_id"], "--home", str(forged.home.root)]) == 4
    words = " ".join(capsys.readouterr().err.split())
    assert f"Of pages without an answer those of before {tomorrow} were taken away." in words


def test_a_page_without_its_log_is_no_replay(forged: Forged, page: dict[str, Any]) -> None:
    """What it showed is kept, and the answers that it stands on are not: said, and no more."""
    for task in ("churn", "preference"):
        for file in (forged.home.predictions / f"task={task}").iterdir():
            file.unlink()
    with pytest.raises(NotReady, match="No answer is logged"):
        explained_page(forged.home, page["receipt_id"])


def test_content_in_another_order_is_found(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that is kept otherwise than the version ranks: exit code 12."""
    (file,) = forged.home.receipts.iterdir()
    types = [row["type"] for row in page["content"]["ranked"]]
    swapped = json.dumps(list(reversed(types)))
    file.write_text(file.read_text().replace(json.dumps(types), swapped))
    found = explained(forged.home, capsys, page["receipt_id"], code=12)
    assert found["page"]["content_verdict"] == "different"
    assert found["page"]["differences"] == [
        f"the content was {', '.join(reversed(types))} and is {', '.join(types)}"
    ]


def test_reasons_that_were_taken_away_are_said_to_be(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The log outlives them: the score is replayed, and why no reasons are compared."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert prune(forged.home.receipts, tomorrow) == 1
    found = explained(forged.home, capsys, page["receipt_id"])
    risk, _ = found["answers"]
    assert (risk["verdict"], risk["reasons_verdict"]) == ("identical", None)
    gone = f"those of before {tomorrow} were taken away (ONRAMP_RECEIPTS_DAYS)"
    assert risk["reasons_gone"] == gone
    assert found["page"] is None
    assert run(["explain", page["receipt_id"], "--home", str(forged.home.root)]) == 0
    said = capsys.readouterr().out
    assert f"because (worked out now: {gone})" in said
    assert "What the page showed beside its answers is not kept" in said


def test_the_version_that_answered_is_asked_and_not_todays(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """After another version became champion the old answer is still the old one."""
    forged.promote("churn", 2)
    receipt = page["risk"]["receipt_id"]
    assert run(["explain", receipt, "--home", str(forged.home.root)]) == 0
    said = capsys.readouterr().out
    assert f"{receipt}: version 1 of churn answered for customer known-1" in said
    assert "replayed: identical" in said
    assert "because (reasons: identical)" in said
    assert page["risk"]["reasons"][0]["words"] in said
    assert "champion now: version 2" in said


def test_rows_without_a_customer_are_replayed_too(forged: Forged, page: dict[str, Any]) -> None:
    """What came by MLflow's protocol has a receipt in the log, if no reasons."""
    assert page
    logged = PredictionLog(forged.home).read("churn").set_index("origin")
    (one,) = replay(forged.home, str(logged.loc["invocations", "receipt_id"]))
    assert (one.verdict, one.reasons_verdict, one.customer_id) == ("identical", None, None)
    assert "none were kept" in "\n".join(one.lines())


def test_a_changed_vector_is_found(
    forged: Forged, page: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that says other features than were scored: another answer, and exit code 12."""
    receipt = page["risk"]["receipt_id"]
    change(forged.home, receipt, {"visits": 40.0, "spent": 900.0, "country": "FR"})
    found = explained(forged.home, capsys, receipt, code=12)
    assert found["same"] is False
    (one,) = found["answers"]
    assert one["verdict"] == one["reasons_verdict"] == "different"
    assert any(words.startswith("the probability was ") for words in one["differences"])


def change(home: Home, receipt: str, features: Mapping[str, FeatureValue]) -> None:
    """Log the answer as one to other features."""
    (one,) = PredictionLog(home).find(receipt)
    for file in (home.predictions / "task=churn").iterdir():
        file.unlink()
    PredictionLog(home).write([Prediction(**{**vars(one), "features": features})])


def test_changed_reasons_are_found(forged: Forged, page: dict[str, Any]) -> None:
    """Reasons that are kept otherwise than they are: the score stands, the reasons do not."""
    receipt = page["risk"]["receipt_id"]
    (file,) = forged.home.receipts.iterdir()
    file.write_text(file.read_text().replace('"visits"', '"visitors"'))
    (one,) = replay(forged.home, receipt)
    assert one.logged == one.replayed
    assert one.verdict == one.reasons_verdict == "different"
    assert one.differences[0].startswith("the reasons were ")


def test_changed_files_are_no_replay(forged: Forged, page: dict[str, Any]) -> None:
    """A version whose files are not as they were registered answers for nothing."""
    for file in forged.home.models.rglob("forest.txt"):
        file.chmod(0o644)
        file.write_text(file.read_text().replace("leaf_value=", "leaf_value=9"))
    with pytest.raises(DataError):
        replay(forged.home, page["risk"]["receipt_id"])


def test_a_receipt_that_nobody_gave(forged: Forged) -> None:
    """Is said so, with where was looked."""
    with pytest.raises(NotReady, match=r"No answer is logged by the receipt 'abc'\."):
        replay(forged.home, "abc")


def test_a_pages_receipt_is_its_answers() -> None:
    """Either may be missing, as on a page where only one task could answer."""
    assert parts("a-b") == ["a", "b"]
    assert parts(" a ") == ["a"]


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(0.5, "identical"), (0.5 + TOLERANCE / 2, "within tolerance"), (0.6, "different"),
     (None, "different"), (float("nan"), "different")],
)  # fmt: skip
def test_closeness_of_numbers(now: float | None, verdict: str) -> None:
    """To the last bit, to what another processor may round, or not the same."""
    assert closeness(0.5, now) == verdict
    assert worst("identical", verdict) == verdict  # type: ignore[arg-type]  # one of the three


FEATURES = st.dictionaries(
    st.sampled_from(["visits", "spent", "country", "plan"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
)


@settings(deadline=None, max_examples=25)
@given(features=FEATURES, customer=st.none() | st.text(min_size=1), p=st.floats(0, 1))
def test_what_is_found_is_what_was_logged(
    features: dict[str, FeatureValue], customer: str | None, p: float
) -> None:
    """Every bit of a vector survives the log: without that no replay could be exact."""
    one = Prediction(
        receipt_id="r1", task="churn", version=3, customer_id=customer,
        event_timestamp=None if customer is None else NOW - timedelta(microseconds=1),
        scored_at=NOW, origin="online", prediction=p, answer="yes",
        probabilities={"yes": p, "no": 1 - p}, features=features,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        log = PredictionLog(open_home(Path(folder)))
        log.write([one])
        assert log.find("r1") == (one,)
        assert log.find("r2") == ()


def test_pandas_missing_values_are_none(tmp_path: Path) -> None:
    """A vector beside others that have more features than it has."""
    log = PredictionLog(open_home(tmp_path))
    rows = [
        Prediction(
            receipt_id=f"r{n}", task="churn", version=n, customer_id="c", event_timestamp=NOW,
            scored_at=NOW, origin="online", prediction=0.5, answer="yes",
            probabilities={"yes": 0.5, "no": 0.5}, features=features,
        )
        for n, features in ((1, {"a": 1.0}), (2, {"b": "x"}))
    ]  # fmt: skip
    log.write(rows)
    assert log.find("r1")[0].features == {"a": 1.0, "b": None}
    assert log.find("r2")[0].features == {"a": None, "b": "x"}
    assert not pd.isna(log.find("r1")[0].prediction)
