"""serving.door.json_text: finds what parsers let through, and nothing in sound JSON."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.door.json_text import MOST_DEPTH, fault

TEXT = st.text(st.sampled_from('[]{}"\\:,NaInfity \u00e9\U0001f600\ud800x'), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
)


def depth(value: Any) -> int:
    """Levels of lists and objects."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def faulty(value: Any) -> bool:
    """By walking the value: the plain way, beside which the quick one must not differ."""
    if isinstance(value, dict):
        return any(map(faulty, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(faulty, value))
    if isinstance(value, str):
        return any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, float) and (value != value or abs(value) == float("inf"))  # noqa: PLR0124  NaN


@given(value=VALUES, wraps=st.integers(0, 40), escaped=st.booleans())
@settings(deadline=None)
def test_it_sees_what_a_walk_sees(value: Any, wraps: int, escaped: bool) -> None:
    """Depth, numbers that are none and half pairs, also where strings are full of brackets."""
    for level in range(wraps):
        value = [value] if level % 2 else {"[": value}
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert bool(fault(body)) == (faulty(value) or depth(value) > MOST_DEPTH)


@given(body=st.binary(max_size=200) | st.text('[]{}"\\uN\ud800dD8', max_size=80).map(
    lambda text: text.encode("utf-8", "surrogatepass")))  # fmt: skip
@settings(deadline=None)
def test_no_bytes_trip_it(body: bytes) -> None:
    """Whatever the bytes, it is a sentence or nothing."""
    assert isinstance(fault(body), str)


@pytest.mark.parametrize(
    "piece", [b"[", b"[]", b'\\"', b'"', b"\\\\", b"\\u0041", b'["["', b"\\ud83d\\ude00", b'"NaN"'],
    ids=repr,
)  # fmt: skip
def test_time_grows_no_faster_than_the_body(piece: bytes) -> None:
    """A hostile megabyte is looked through in well under a second."""
    body = b'{"a": "' + piece * (1_000_000 // len(piece)) + b"\\u0041NaN"
    began = time.process_time()
    fault(body)
    assert time.process_time() - began < 1.0
