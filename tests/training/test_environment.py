"""What a training came out of, and what of it is another today, in words."""

from __future__ import annotations

import platform
from importlib import metadata

from training.environment import LIBRARIES, changes, surroundings

NOW = surroundings("abc")


def test_every_library_that_decides_numbers_is_recorded() -> None:
    """Name and installed version, and Python's own."""
    assert NOW["python"] == platform.python_version()
    for name in LIBRARIES:
        assert f"{name}=={metadata.version(name)}" in NOW["libraries"].split()


def test_the_same_surroundings_have_no_changes() -> None:
    """Nothing is said where nothing is another; other parameters of a run do not matter."""
    assert changes({**NOW, "seed": "0"}, NOW) == ()


def test_each_change_is_named_with_both_sides() -> None:
    """Code, Python and each library: what it was and what it is."""
    then = {
        "code_version": "xyz", "python": "3.9.1",
        "libraries": NOW["libraries"].replace("lightgbm==", "lightgbm==0.") + " gone==1",
    }  # fmt: skip
    found = " ".join(changes(then, NOW))
    assert "Our code was xyz and is abc." in found
    assert f"Python was 3.9.1 and is {platform.python_version()}." in found
    installed = metadata.version("lightgbm")
    assert f"lightgbm was 0.{installed} and is {installed}." in found
    assert "gone was 1 and is absent." in found
    assert "numpy" not in found


def test_what_was_not_recorded_is_no_pass() -> None:
    """A run that is gone: everything is unknown, and said to be."""
    assert changes({}, NOW) == ("Not recorded then: code_version, python, libraries.",)


def test_uncommitted_code_is_not_taken_for_the_same() -> None:
    """Two dirty trees of one commit may be anything."""
    (said,) = changes(surroundings("abc-dirty"), surroundings("abc-dirty"))
    assert "what was changed and not committed is not known" in said
