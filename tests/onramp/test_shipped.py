"""Data sets by path or by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.dataset import read_dataset
from lifecycle.errors import UnknownName
from onramp.shipped import dataset_file


@pytest.mark.parametrize("name", ["simulated", "online_retail", "oulad", "datasets/oulad.toml"])
def test_a_shipped_data_set_is_found_from_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name or its path in the checkout is enough, wherever the command runs."""
    monkeypatch.chdir(tmp_path)
    file = dataset_file(name)
    assert read_dataset(file).name == file.stem


def test_your_own_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that exists is that file, whatever its name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oulad.toml").touch()
    assert dataset_file("oulad.toml") == Path("oulad.toml")


def test_an_unknown_data_set_gets_the_nearest_one() -> None:
    """A typing error is told with what was meant."""
    with pytest.raises(UnknownName, match="Did you mean 'online_retail'"):
        dataset_file("online_retial")
