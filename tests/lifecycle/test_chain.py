"""The chain shows every tampered row, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import data, integers, lists, sampled_from, text

from lifecycle.chain import FIRST, HASHED, broken, digest

TEXTS = text(max_size=8)


def chain(words: list[str]) -> list[dict[str, Any]]:
    """Rows 1, 2, 3 …, one a word, as a ledger writes them."""
    rows: list[dict[str, Any]] = []
    for number, word in enumerate(words, start=1):
        row: dict[str, Any] = dict.fromkeys(HASHED, word)
        row |= {"number": number, "before": rows[-1]["hash"] if rows else FIRST}
        rows.append({**row, "hash": digest(row)})
    return rows


def found(rows: list[dict[str, Any]], last: int | None = None) -> list[tuple[int, str]]:
    return [(at.number, at.what) for at in broken(rows, len(rows) if last is None else last)]


@settings(deadline=None, max_examples=50)
@given(lists(TEXTS, max_size=6))
def test_what_was_only_appended_to_is_whole(words: list[str]) -> None:
    """Whatever the rows say, an untouched chain holds."""
    assert found(chain(words)) == []


@settings(deadline=None, max_examples=100)
@given(lists(TEXTS, min_size=1, max_size=6), data())
def test_any_edited_value_is_found_at_its_row(words: list[str], drawn: Any) -> None:
    """Any other value in any column but the number breaks the chain at that row first."""
    rows = chain(words)
    at = drawn.draw(integers(0, len(rows) - 1))
    column = drawn.draw(sampled_from([*HASHED[1:], "hash"]))
    value = drawn.draw(TEXTS.filter(lambda new: new != rows[at][column]))
    rows[at][column] = value
    assert found(rows)[0] == (at + 1, "its values are not those its hash was made of")


@settings(deadline=None, max_examples=100)
@given(lists(TEXTS, min_size=1, max_size=6), data())
def test_any_removed_row_is_named(words: list[str], drawn: Any) -> None:
    """The first, one between and the newest alike; nothing else is blamed."""
    rows = chain(words)
    at = drawn.draw(integers(0, len(rows) - 1))
    left = rows[:at] + rows[at + 1 :]
    assert found(left, len(rows)) == [(at + 1, "it was removed")]


def test_an_edit_with_its_hash_made_again_shows_at_the_row_after() -> None:
    """The next row holds the hash that the edited one had."""
    rows = chain(["a", "b", "c"])
    rows[1]["why"] = "better"
    rows[1]["hash"] = digest(rows[1])
    assert found(rows) == [(3, "it does not follow row 2 as that is now")]


@pytest.mark.parametrize("number", [0, 4])
def test_an_inserted_row_is_named(number: int) -> None:
    """A number that was never given belongs to nobody, even when its hash is right."""
    rows = chain(["a", "b", "c"])
    made = {**rows[2], "number": number, "before": rows[2]["hash"] if number else FIRST}
    rows.append({**made, "hash": digest(made)})
    rows.sort(key=lambda row: row["number"])
    assert (number, "no row was ever given this number: it was inserted") in found(rows, last=3)


def test_all_rows_gone() -> None:
    """An emptied ledger is not an empty one."""
    assert [at for at, _ in found([], last=2)] == [1, 2]
