"""`onramp segments`: what a marketer reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.build import build
from lifecycle.home import Home
from onramp.cli import run
from onramp.verbs.segments import COMMANDS
from segments.build import build_segments
from tests.features.canonical import AS_OF, DAYS, START, alive, days, fill, random_log, settle


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Forty customers with segments. To be read only."""
    home = settle(tmp_path_factory.mktemp("home"))
    people, happened = random_log(seed=1, customers=40)
    fill(home, people, [*happened, *(alive(START + days(n)) for n in range(76))])
    build(home, moments_days=DAYS, as_of=AS_OF)
    build_segments(home, as_of=AS_OF)
    return home


def said(capsys: pytest.CaptureFixture[str], home: Home, *words: str) -> str:
    assert run(["segments", *words, "--home", str(home.root)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line in the overview is the first line of the command's own help."""
    assert run(["segments", name, "--help"]) == 0
    assert COMMANDS[name] in " ".join(capsys.readouterr().out.split())


def test_the_list_says_sizes_rules_and_warnings(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind has its table; what is too small is marked; RFM says that it knows few."""
    text = said(capsys, home, "list")
    for part in ("Segments: a customer may be in several", "Lifecycle:", "RFM:",
                 "Highly engaged & new", "session_count > 5 AND signed_up within 7 days",
                 "! too small: fewer than 30 customers",
                 "note: edges come from"):  # fmt: skip
        assert part in text
    report = json.loads(said(capsys, home, "list", "--json"))
    stages = [one for one in report["groups"] if one["column"] == "lifecycle_stage"]
    assert sum(one["size"] for one in stages) == report["customers"]
    assert sum(one["share"] for one in stages) == pytest.approx(1)


def test_show_says_what_a_segment_is_for(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Label, description, rule and size."""
    text = said(capsys, home, "show", "active_and_engaged")
    assert text.startswith("Active & engaged (segment_active_and_engaged.active_and_engaged)\n")
    assert "rule: sessions_a_week > 3 OR feature_usage_score > 80" in text


def test_customer_says_why(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Each condition with its value, the stage, the scores."""
    text = said(capsys, home, "customer", "c001 ü")
    for part in (
        "session_count > 5: sessions_since_sign_up is ",
        "stage: ",
        "score: recency ",
        "rfm_segment: ",
    ):
        assert part in text
    answer = json.loads(said(capsys, home, "customer", "c001 ü", "--json"))
    assert {one["name"] for one in answer["segments"]} >= {"dormant", "active_and_engaged"}


def test_words_says_what_can_be_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Marketers' words, events and features, each with what it means."""
    found = {one["word"]: one for one in json.loads(said(capsys, home, "words", "--json"))}
    assert found["last_login"]["type"] == "time"
    assert found["buy happened"]["feature"] == "days_since_last_buy"
    assert found["session_count"]["feature"] == "sessions_since_sign_up"
    assert found["trend_7d"]["type"] == "number"


def test_check_names_the_slip_and_exits_with_3(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sound file is called sound; a slip ends with its place and what was meant."""
    assert "every rule can be read" in said(capsys, home, "check")
    path = tmp_path / "mine.toml"
    path.write_text('[segments.mine]\nrule = "lst_login over 30 days ago"', encoding="utf-8")
    assert run(["segments", "check", str(path), "--home", str(home.root)]) == 3
    error = capsys.readouterr().err
    assert f"segments.mine in {path}, character 1: »lst_login« over 30 days ago" in error
    assert "Did you mean 'last_login'?" in error
