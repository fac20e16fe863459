"""docs/segments.md: every example in it can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lifecycle.dataset import DataSet, read_dataset
from segments.faults import Place, RuleError
from segments.file import SHIPPED, read_file
from segments.plan import make_plan
from segments.rule import read_rule
from segments.words import Words, words_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "segments.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"```toml\n(.*?)```", re.DOTALL)
ROWS = re.findall(r"^\| `([^`|]+)` \| (?!a rule|ordered|1 or)", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def simulated() -> DataSet:
    return read_dataset(ROOT / "datasets" / "simulated.toml")


@pytest.fixture(scope="module")
def known(simulated: DataSet) -> Words:
    return words_of(simulated, [read_file(SHIPPED).words])


def test_the_page_has_its_examples() -> None:
    """The reader finds the table of phrases and the file."""
    assert len(ROWS) == 12
    assert len(BLOCKS.findall(PAGE)) == 1


@pytest.mark.parametrize("rule", ROWS)
def test_every_phrase_of_the_table_is_read(rule: str, known: Words) -> None:
    """Each is a rule on the simulated data."""
    assert read_rule(rule, known, Place("docs", "segments.md")).conditions


def test_the_example_file_is_read(tmp_path: Path, simulated: DataSet) -> None:
    """Copied as it stands, it is a file of segments of one's own."""
    path = tmp_path / "segments.toml"
    path.write_text(BLOCKS.findall(PAGE)[0], encoding="utf-8")
    plan = make_plan(path, simulated)
    assert [one.label for one in plan.segments] == ["Slipping away", "Good customers"]
    assert plan.limits.least_customers == 100
    slip = BLOCKS.findall(PAGE)[0].replace("session_count", "sesion_count")
    path.write_text(slip, encoding="utf-8")
    with pytest.raises(RuleError) as error:
        make_plan(path, simulated)
    said = str(error.value).replace(str(path), "segments.toml")
    assert f"error: {said}" in PAGE.replace("\n»", " »")


def test_the_words_that_ship_are_named(known: Words) -> None:
    """A word in the shipped file stands in the page."""
    for word in read_file(SHIPPED).words:
        assert f"`{word}`" in PAGE
        assert word in known.aliases
