"""A version's files are read by name, and a damaged version says what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifecycle import version_files
from lifecycle.errors import NotReady


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which file and what to do."""
    with pytest.raises(NotReady, match=r"has no evaluation\.json.*Train again"):
        version_files.evaluation(tmp_path)


def test_pickled_keys_are_refused(tmp_path: Path) -> None:
    """Row keys are numbers: an array of pickled objects is never loaded."""
    path = tmp_path / version_files.ROW_KEYS
    path.parent.mkdir(parents=True)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        version_files.row_keys(tmp_path)


def test_a_version_that_names_no_row_is_not_believed(tmp_path: Path) -> None:
    """Without a key every row would count as unseen, and the gate would judge on any of them."""
    path = tmp_path / version_files.ROW_KEYS
    path.parent.mkdir(parents=True)
    np.save(path, np.array([], dtype=np.uint64))
    with pytest.raises(NotReady, match=r"no row that it learned from.*Train again"):
        version_files.row_keys(tmp_path)
