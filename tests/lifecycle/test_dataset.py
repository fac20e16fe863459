"""A data set's TOML file is taken whole or refused with every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.dataset import DataSet, read_dataset
from lifecycle.errors import DataError, UsageError

SMALL = """
name = "shop"
title = "A shop"
source = "made up"
[vocabulary]
events = ["visit", "buy"]
"""


def read(folder: Path, text: str) -> DataSet:
    path = folder / "shop.toml"
    path.write_text(text)
    return read_dataset(path)


def test_defaults(tmp_path: Path) -> None:
    """A small file is enough: the wall clock, UTC, and every event is activity."""
    dataset = read(tmp_path, SMALL)
    assert (dataset.clock, dataset.time_zone) == ("wall", "UTC")
    assert dataset.vocabulary.active == ("visit", "buy")


def test_activity_is_what_it_says(tmp_path: Path) -> None:
    """Named activity replaces *every event*."""
    assert read(tmp_path, SMALL + 'activity = ["buy"]').vocabulary.active == ("buy",)


def test_how_columns_map_is_not_read_here(tmp_path: Path) -> None:
    """Ingestion's part of the file is left to ingestion."""
    assert read(tmp_path, SMALL + '[events]\nformat = "csv"').name == "shop"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('activity = ["by"]', "vocabulary.activity names ['by'], not among events"),
        ("[vocabulary.content]\nread = 'news'", "vocabulary.content names ['read']"),
        ("[leaks]\nnps = 'asked after leaving'\n[profile.nps]\ntype='number'\nmeaning='x'",
         "column 'nps' leaks and cannot be kept: asked after leaving"),
        ("[profile.age]\ntype='number'\nmeaning='x'\nat_lest=0", "profile.age.at_lest: Extra"),
        ("[tasks.churn]\nhorizon_days = 0", "tasks.churn.horizon_days"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, more: str, words: str) -> None:
    """Each fault is refused with where it is and what is wrong."""
    with pytest.raises(DataError) as refused:
        read(tmp_path, SMALL + more)
    assert words in refused.value.found
    assert refused.value.do == "docs/datasets.md has every key."


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    """Whoever mends a file learns all its faults in one go."""
    with pytest.raises(DataError, match=r"name:.*title:.*vocabulary: Field required"):
        read(tmp_path, 'name = "My Shop"\nsource = "x"')


@pytest.mark.parametrize(
    ("text", "words"), [(None, "No data set file"), ("name = ", "is not TOML.")]
)
def test_no_such_file(tmp_path: Path, text: str | None, words: str) -> None:
    """A file that is not there, or no TOML, is wrong usage."""
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_dataset(path)
