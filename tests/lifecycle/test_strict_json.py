"""What is written as JSON can be read by anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import strict_json


@dataclass(frozen=True)
class Pair:
    name: str
    value: object


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (np.float64("nan"), None),
        (np.int64(3), 3),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.array(2.0), 2.0),
        ({1: np.bool_(True)}, {"1": True}),
        (frozenset({"x"}), ["x"]),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (Path("a/b"), "a/b"),
        (b"a", "b'a'"),
        (Pair("x", (1, Pair("y", {2: True}))),
         {"name": "x", "value": [1, {"name": "y", "value": {"2": True}}]}),
    ],
)  # fmt: skip
def test_plain(value: object, plain: object) -> None:
    """Every value we meet has words in JSON; what is no finite number is null."""
    assert strict_json.plain(value) == plain


values = st.recursive(
    st.floats() | st.integers() | st.text() | st.none() | st.booleans() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.text()),
)


@given(values)
def test_anything_is_strict(value: object) -> None:
    """No bare NaN or infinity, however deep it hides; reading gives back what was written."""
    text = strict_json.text(value)
    assert json.loads(text, parse_constant=pytest.fail) == strict_json.plain(value)


def test_written_whole(tmp_path: Path) -> None:
    """A file is replaced in one step and leaves nothing unfinished beside it."""
    path = tmp_path / "deep" / "a.json"
    strict_json.write(path, {"a": 1})
    strict_json.write(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": None}
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]
