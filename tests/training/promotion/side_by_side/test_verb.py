"""`onramp compare`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from onramp.cli import run
from onramp.shipped import dataset_file
from tests.training.promotion.side_by_side.conftest import Two


@pytest.fixture(scope="module")
def place(two: Two) -> list[str]:
    """The home as a data set's, whose event store is empty yet."""
    shutil.copy(dataset_file("simulated"), two.home.dataset_file)
    return ["--home", str(two.home.root)]


def test_it_prints_and_writes_a_page(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without events there are no unseen rows: what was recorded is told, and the end is well."""
    page = tmp_path / "new" / "page.html"
    assert run(["compare", "churn", "1", "2", "--html", str(page), *place]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("churn: version 1 beside version 2\n")
    assert "Today's rows cannot be had" in printed
    assert "must not be held against each other" in printed.replace("\n", " ")
    assert printed.endswith(f"Written to {page}.\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_is_all_that_is_printed(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document, strict, with the page written beside it."""
    page = tmp_path / "page.html"
    assert run(["compare", "churn", "1", "2", "--json", "--html", str(page), *place]) == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (told["first"]["number"], told["second"]["number"]) == (1, 2)
    assert told["same_rows"] is None
    assert "Today's rows cannot be had" in told["problem"]
    assert page.exists()


@pytest.mark.parametrize(
    ("versions", "words"),
    [(("1", "1"), "cannot be compared with itself"), (("1", "7"), "No version of churn named '7'")],
)
def test_what_cannot_be_compared_ends_in_wrong_usage(
    place: list[str], versions: tuple[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a sentence, and no page."""
    assert run(["compare", "churn", *versions, *place]) == 2
    assert words in capsys.readouterr().err
