from __future__ import annotations

from features.catalogue import catalogue
from features.dictionary import DATASET, PAGE
from lifecycle.dataset import read_dataset
from onramp.dictionary import docs_page


def test_the_page_is_what_the_definitions_say() -> None:
    """docs/features.md is the generator's output; `python -m onramp.dictionary` mends it."""
    assert PAGE.read_text(encoding="utf-8") == docs_page()


def test_every_feature_has_a_line_with_its_meaning() -> None:
    """No feature of the simulated data set is missing from the page."""
    page = docs_page()
    for feature in catalogue(read_dataset(DATASET)):
        assert f"| `{feature.name}` | {feature.meaning} |" in page


def test_every_feature_says_who_uses_it() -> None:
    """The shipped tasks and segments stand in the last column of each line that they use."""
    lines = [line for line in docs_page().splitlines() if line.startswith("| `")]
    users = {line.split("`")[1]: line.split(" | ")[-1] for line in lines}
    assert set(users.values()) == {"churn, preference |", "churn, preference, segments |"}
    assert users["days_since_last_login"] == "churn, preference, segments |"
    assert users["profile_age"] == "churn, preference |"
