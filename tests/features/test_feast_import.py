"""features.feast_import: Feast without its run-time type checks, where its import is waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typeguard

from features.feast_import import unchecked

ROOT = Path(__file__).resolve().parents[2]

CODE = """
import sys
from features.feast_import import unchecked
assert "feast" not in sys.modules
with unchecked():
    import feast
print(feast.FeatureView.__init__.__code__.co_filename.endswith("feature_view.py"))
print([name for name in feast.FeatureView.__init__.__code__.co_names if "check_argument" in name])
print(feast.Field(name="n", dtype=feast.types.Float64).name)
"""


def test_feast_is_imported_as_it_was_written() -> None:
    """In a fresh process no check stands in Feast's classes, and they work."""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert found.stdout.split("\n")[:3] == ["True", "[]", "n"]


def test_checks_are_back_afterwards() -> None:
    """Only what is imported inside goes unchecked, in both ways of writing the decorator."""
    with unchecked():

        @typeguard.typechecked
        def loose(number: int) -> int:
            return number

        @typeguard.typechecked(forward_ref_policy=typeguard.ForwardRefPolicy.WARN)
        def loose_too(number: int) -> int:
            return number

    @typeguard.typechecked
    def strict(number: int) -> int:
        return number

    assert loose("a") == loose_too("a") == "a"  # type: ignore[arg-type]  # that is the point
    with pytest.raises(typeguard.TypeCheckError):
        strict("a")  # type: ignore[arg-type]


def test_checks_are_back_after_a_failure() -> None:
    """An import that fails does not leave the decorator off."""
    before = typeguard.typechecked
    with pytest.raises(ModuleNotFoundError), unchecked():
        raise ModuleNotFoundError
    assert typeguard.typechecked is before
