"""serving.content and serving.bands: what a person is shown for a type and for a probability."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.dataset import read_dataset
from lifecycle.errors import DataError
from lifecycle.home import open_home
from segments.file import SHIPPED, read_file
from serving.bands import Bands, bands
from serving.content import TABLE, for_types, read_table, spelt, table_of
from tests.serving.live import ROOT


def test_table_shows_every_type_of_the_simulator() -> None:
    """A newcomer's first answer is written by somebody, not spelt from a name."""
    vocabulary = read_dataset(ROOT / "datasets" / "simulated.toml").vocabulary
    types = sorted(set(vocabulary.content.values()))
    shown = for_types(read_table().content, types)
    assert sorted(row.type for row in shown) == types
    assert all(row.text for row in shown)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "datasets").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_data_set_has_its_own_types_shown(path: Path) -> None:
    """A type that the table does not know is shown by its name; no other data set's type is."""
    types = sorted(set(read_dataset(path).vocabulary.content.values()))
    shown = for_types(read_table().content, types)
    assert all(row.title for row in shown)
    if types:
        assert sorted(row.type for row in shown) == types


@pytest.mark.parametrize(
    ("name", "shown"), [("how_to_guide", "How to guide"), ("faq", "Faq"), ("_", "_")]
)
def test_names_are_spelt_for_people(name: str, shown: str) -> None:
    """Underscores are a programmer's; a name of nothing else stays as it is."""
    assert spelt(name) == shown


def test_bands_are_the_versions_own_quantiles() -> None:
    """High is the riskiest fifth of the reference, medium the rest of its riskier half."""
    cuts = bands([n / 100 for n in range(101)])
    assert cuts == Bands(medium=0.5, high=0.8)
    assert [cuts.of(p) for p in (0.0, 0.49, 0.5, 0.79, 0.8, 1.0)] == [
        "low", "low", "medium", "medium", "high", "high",
    ]  # fmt: skip


def test_shipped_welcomes_name_stages_that_there_are() -> None:
    """A welcome for a stage that the shipped segments do not have would never be shown."""
    stages = {row.stage for row in read_table().welcome if row.stage}
    assert stages
    assert stages <= set(read_file(SHIPPED).lifecycle)


def test_the_first_welcome_that_fits_is_taken() -> None:
    """Every condition has to hold; whoever fits nothing has the last one."""
    rows = read_table().welcome
    chosen = [
        next(row for row in rows if row.meant_for(band, stage, rules))
        for band, stage, rules in (
            ("high", "new", ()), ("high", "active", ()), ("low", "active", ("dormant",)),
            (None, None, ()),
        )
    ]  # fmt: skip
    assert [(row.band, row.stage) for row in chosen] == [
        (None, "new"), ("high", None), (None, None), (None, None)
    ]  # fmt: skip


def test_a_homes_own_table_is_taken(tmp_path: Path) -> None:
    """Content is words of the house: a file in the home, and no programming."""
    home = open_home(tmp_path)
    assert table_of(home) == read_table(TABLE)
    home.content_file.write_text(
        '[[content]]\ntype = "faq"\ntitle = "Ask"\n[[welcome]]\ntext = "Hi {name|you}!"\n'
    )
    table = table_of(home)
    assert [row.title for row in table.content] == ["Ask"]
    assert [row.text for row in table.welcome] == ["Hi {name|you}!"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('[[welcome]]\ntext = "Hi {name}"', "write a field with its fallback"),
        ('[[welcome]]\nstage = "new"\ntext = "Hi"', "the last one has no condition"),
        ('[[welcome]]\nband = "hot"\ntext = "Hi"', "welcome.0.band: Input should be 'low'"),
        ('[[content]]\ntype = "faq"\ntitle = "Again"', "more than one row for faq"),
        ('[[welcome]]\ntext = "Hi"\nstages = "new"', "welcome.0.stages: Extra inputs"),
    ],
)
def test_a_table_that_cannot_be_shown_is_refused(tmp_path: Path, rows: str, words: str) -> None:
    """Before the server answers, with the place and what is wrong there."""
    home = open_home(tmp_path)
    home.content_file.write_text(f'[[content]]\ntype = "faq"\ntitle = "Ask"\n{rows}\n')
    with pytest.raises(DataError, match="is no content table") as refused:
        table_of(home)
    assert words in str(refused.value)
