"""What is made once is kept while it fits, and what it costs is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.held import Held


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), max_size=60))
def test_memory_is_bounded_and_nothing_is_mixed_up(asked: list[tuple[int, int]]) -> None:
    """Never above the limit but for one entry alone; each key gives its own value."""
    held = Held(50)
    sizes: dict[int, int] = {}
    for key, size in asked:
        assert held.get(key, lambda key=key, size=size: (key * 10, size)) == key * 10
        sizes.setdefault(key, size)
        assert held.nbytes <= 50 or len(held) == 1


def test_the_longest_unused_goes_first() -> None:
    """An entry that was asked for again outlives one that was not."""
    held, made = Held(2), []

    def ask(key: str) -> None:
        held.get(key, lambda: (made.append(key), 1))

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"]


def test_an_entry_larger_than_the_limit_is_still_given() -> None:
    """A fold that fills memory by itself is kept alone rather than made twice."""
    held = Held(10)
    held.get("small", lambda: (1, 5))
    assert held.get("large", lambda: (2, 500)) == 2
    assert (len(held), held.nbytes) == (1, 500)
