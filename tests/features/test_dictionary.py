from __future__ import annotations

from features.catalogue import catalogue
from features.dictionary import DATASET, PAGE, dictionary
from lifecycle.dataset import read_dataset


def test_the_page_is_what_the_definitions_say() -> None:
    """docs/features.md is the generator's output; `python -m features.dictionary` mends it."""
    assert PAGE.read_text(encoding="utf-8") == dictionary(read_dataset(DATASET))


def test_every_feature_has_a_line_with_its_meaning() -> None:
    """No feature of the simulated data set is missing from the page."""
    page = dictionary(read_dataset(DATASET))
    for feature in catalogue(read_dataset(DATASET)):
        assert f"| `{feature.name}` | {feature.meaning} |" in page
