"""The card of a version: says what was recorded, stands where people look, harms nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import mlflow
import pytest

from lifecycle import version_files
from lifecycle.errors import UnknownName
from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from tests.training.conftest import CHURN, PREFERENCE, Trained, make_frame, make_set
from training.candidate import Budget
from training.promotion.card import Card, card, publish, try_to_publish
from training.promotion.card.recorded import recorded
from training.promotion.card.values import Recorded
from training.run import train_on

TASKS = {"churn": CHURN, "preference": PREFERENCE}
HEADINGS = (
    "Intended use", "Verdict", "Quality", "Slices", "Calibration", "Data window", "Balancing",
    "Features", "Limits",
)  # fmt: skip


@pytest.fixture(params=["churn", "preference"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def read(trained: Trained) -> Callable[[str], Recorded]:
    """What is recorded of each task's version, read once."""
    registry = Registry(trained.home)
    known = {name: recorded(registry, TASKS[name], registry.version(name, 1)) for name in TASKS}
    return lambda name: known[name]


def artifact(home: Home, version: Version, name: str) -> str:
    place = mlflow.artifacts.download_artifacts(
        run_id=version.run_id, artifact_path=name, tracking_uri=home.tracking_uri
    )
    return Path(place).read_text(encoding="utf-8")


class Tags(HTMLParser):
    """The tags of a page, and whether each that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in {"meta", "img", "br"}:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def sound(page: str) -> set[str]:
    """The tags of a page that is whole."""
    tags = Tags()
    tags.feed(page)
    assert tags.opened == []
    return tags.seen


def test_it_says_what_was_recorded(
    read: Callable[[str], Recorded], trained: Trained, task: str
) -> None:
    """Question, rows, every metric of the test, every feature; in both forms."""
    found = read(task)
    made = card(found)
    whole = version_files.evaluation(trained.folder(task))
    shown = [made.html(), made.markdown().replace("\\", "")]
    for text in shown:
        assert TASKS[task].question in text
        assert [name for name in HEADINGS if name not in text] == []
        numbers = [f"{value:.4f}" for value in whole["metrics"].values()]
        assert [number for number in numbers if number not in text] == []
        assert f"{whole['rows']['train']:,}" in text
        names = [name for name, _ in found.facts["features"]]
        assert [name for name in names if name not in text] == []
        assert "Nobody has judged this version yet." in text
    assert sound(made.html()) <= {
        "html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "dl", "dt", "dd",
        "nav", "ul", "li", "a", "main", "section", "p", "table", "caption", "thead", "tbody", "tr",
        "th", "td", "figure", "img", "details", "summary",
    }  # fmt: skip


def test_the_limits_name_what_is_too_small(read: Callable[[str], Recorded]) -> None:
    """A slice without a number is said to have none."""
    found = read("churn")
    small = [one for one in found.measured.slices if not one.quality.known]
    assert small
    text = card(found).markdown()
    assert f"Too few test rows to tell how good it is for: plan {small[0].value}" in text


def test_the_ablation_is_told_where_it_was_made(read: Callable[[str], Recorded]) -> None:
    """Words out of the training's report; where none was made, the choice alone."""
    assert "SMOTE" in read("churn").balancing
    assert read("churn").balancing.split(".")[0] in card(read("churn")).html()
    assert read("preference").balancing == ""
    assert "The search chose" in card(read("preference")).markdown()


def test_somebodys_words_stay_words(read: Callable[[str], Recorded]) -> None:
    """A value, a feature, a verdict that look like HTML or Markdown are shown as they are."""
    found, bad = read("churn"), "<script>x</script> ![a](http://b) | **c**"
    verdict = replace(found.side.verdict, decision="refuse", at="2026-01-01", why=bad, by=bad)
    meanings = {"n0": {"words": bad, "unit": bad, "absent": bad}}
    slices = tuple(replace(one, value=bad) for one in found.measured.slices)
    hostile = replace(
        found,
        question=bad,
        facts={**found.facts, "meanings": meanings, "threshold_rule": bad},
        side=replace(found.side, verdict=verdict, warnings=bad, lineage={"dataset": bad, bad: bad}),
        findings=(("failed", bad),),
        balancing=bad,
        measured=replace(found.measured, slices=slices),
    )
    made = card(hostile)
    assert "script" not in sound(made.html())
    for text in (made.markdown(), made.short()):
        assert "<" not in text
        assert "](http" not in text.replace("\\]", "")
        assert not re.search(r"(?<!\\)\*\*c", text)


def test_registration_leaves_the_card(trained: Trained, task: str) -> None:
    """On the run, in the version's description, and on the model's page."""
    registry = Registry(trained.home)
    version = registry.version(task, 1)
    assert "## Limits" in artifact(trained.home, version, "card.md")
    assert "<title>Model card" in artifact(trained.home, version, "card.html")
    described = registry.client.get_model_version(task, "1").description
    assert "95 % intervals" in described
    assert "logistic regression" in described
    model = registry.client.get_registered_model(task)
    assert TASKS[task].question in model.description
    for verb in ("promote", "rollback", "history", "compare"):
        assert f"`onramp {verb} {task}" in model.description
    assert model.tags["question"] == TASKS[task].question
    assert model.tags["horizon_days"] == "7"


@pytest.fixture(scope="module")
def registered(new_home: Callable[[str], Home]) -> tuple[Home, Version]:
    home = new_home("card")
    report = train_on(home, CHURN, make_set(make_frame(200)), Budget(trials=1, report=False))
    assert report.notes == ()
    return home, Registry(home).version("churn", 1)


def test_a_verdict_and_a_failure_reach_the_card(registered: tuple[Home, Version]) -> None:
    """The new card says the verdict; a card that fails is a note, and the next one clears it."""
    home, version = registered
    registry = Registry(home)
    registry.tag(version, {
        "verdict": "refuse", "verdict.at": "2026-11-22T12:00:00+00:00", "verdict.by": "ann",
        "verdict.against": "3", "verdict.why": "roc_auc is 0.5.",
        "gate.01": "failed: roc_auc ≥ 0.75. roc_auc is 0.5.",
        "gate.02": "passed: unseen rows. 0 seen.",
    })  # fmt: skip
    made = publish(home, CHURN, version)  # whose tags are of before
    assert isinstance(made, Card)
    for text in (artifact(home, version, "card.html"), artifact(home, version, "card.md")):
        assert "Refuse against version 3, 2026-11-22 by ann" in text
        assert "unseen rows. 0 seen." in text
    assert "Refuse against version 3" in registry.client.get_model_version("churn", "1").description

    copy = registry.folder(version)
    (copy / version_files.EVALUATION).unlink()
    problem = try_to_publish(home, CHURN, version)
    assert problem.startswith("The model card could not be written: ")
    assert registry.version("churn", 1).tags["card.problem"] == problem
    shutil.rmtree(copy)
    assert try_to_publish(home, CHURN, version) == ""
    assert "card.problem" not in registry.version("churn", 1).tags


def test_a_version_that_is_gone_is_said_twice_over(registered: tuple[Home, Version]) -> None:
    """Neither the card nor the note about it can be written: the words have both reasons."""
    home, version = registered
    missing = replace(version, number=9)
    with pytest.raises(UnknownName):
        publish(home, CHURN, missing)
    said = try_to_publish(home, CHURN, missing)
    assert said.count("UnknownName") == 1
    assert "MlflowException" in said
