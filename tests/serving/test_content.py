"""serving.content and serving.bands: what a person is shown for a type and for a probability."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.dataset import read_dataset
from serving.bands import Bands, bands
from serving.content import for_types, read_content, spelt
from tests.serving.live import ROOT


def test_table_shows_every_type_of_the_simulator() -> None:
    """A newcomer's first answer is written by somebody, not spelt from a name."""
    vocabulary = read_dataset(ROOT / "datasets" / "simulated.toml").vocabulary
    types = sorted(set(vocabulary.content.values()))
    shown = for_types(read_content(), types)
    assert sorted(row.type for row in shown) == types
    assert all(row.text for row in shown)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "datasets").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_data_set_has_its_own_types_shown(path: Path) -> None:
    """A type that the table does not know is shown by its name; no other data set's type is."""
    types = sorted(set(read_dataset(path).vocabulary.content.values()))
    shown = for_types(read_content(), types)
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
