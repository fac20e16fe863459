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
