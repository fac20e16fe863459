"""features.feast_import: Feast without its run-time type checks; everybody else keeps theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from feast import feature_view

ROOT = Path(__file__).resolve().parents[2]

CODE = """
import sys
import typeguard
from features.feast_import import unchecked

before = typeguard.typechecked
unchecked()
unchecked()
assert not {"feast", "pandas"} & set(sys.modules)
assert typeguard.typechecked is before

import feast
print(feast.FeatureView.__init__.__code__.co_filename.endswith("feature_view.py"))
print([name for name in feast.FeatureView.__init__.__code__.co_names if "check_argument" in name])
print(feast.Field(name="n", dtype=feast.types.Float64).name)
"""

OTHERS = """

def refuses(function):
    try:
        function("a")
    except typeguard.TypeCheckError:
        return True
    return False

@typeguard.typechecked
def one(number: int) -> int:
    return number

@typeguard.typechecked(forward_ref_policy=typeguard.ForwardRefPolicy.WARN)
def other(number: int) -> int:
    return number

class Kept:
    @typeguard.typechecked
    def method(self, number: int) -> int:
        return number

print(refuses(one), refuses(other), refuses(Kept().method), one(1) + other(1) + Kept().method(1))
"""


def told(tmp_path: Path, code: str) -> list[str]:
    """What a fresh process prints: a file, as typeguard reads the source of what it checks."""
    script = tmp_path / "script.py"
    script.write_text(code)
    found = subprocess.run(
        [sys.executable, "-W", "ignore", script], env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return found.stdout.splitlines()


def test_feast_is_imported_as_it_was_written(tmp_path: Path) -> None:
    """No check stands in Feast's classes, and they work; others' checks go on as before."""
    assert told(tmp_path, CODE + OTHERS) == ["True", "[]", "n", "True True True 3"]


def test_feast_still_decorates_its_classes() -> None:
    """Else there is nothing that this spares us."""
    assert "\n@typechecked\nclass FeatureView(" in Path(feature_view.__file__).read_text("utf-8")
