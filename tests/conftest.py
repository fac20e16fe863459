"""What every test may rely on: no display, no setting of the developer's own."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

from features.feast_import import unchecked

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

# Minutes each: they come first, or one worker waits for the other at the end.
LONGEST = ("tests/test_docs.py", "tests/onramp/test_demo.py")

mpl.use("Agg")

# A machine that gives its time to others stalls for seconds: no example is wrong for being late.
# What is not named here stays as Hypothesis has it, which on CI draws the same examples each time.
settings.register_profile(
    "unhurried", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Load the libraries that warn, in each process that runs tests: xdist's leader runs none."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    unchecked()
    with warnings.catch_warnings():
        # While it is imported, MLflow warns of its own type hints; Feast then turns deprecation
        # warnings of every library on. Neither is a fault that a test of ours could mend.
        warnings.simplefilter("ignore")
        import feast  # noqa: F401, PLC0415  not in the leader
        import mlflow.pyfunc  # noqa: F401, PLC0415  not in the leader


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the longest files to the front; all others stay in their order."""
    longest = [ROOT / name for name in LONGEST]
    items.sort(key=lambda item: item.path not in longest)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own ONRAMP_ and MLFLOW_ variables reach no test."""
    for name in list(os.environ):
        if name.startswith(("ONRAMP_", "MLFLOW_")) and name != "MLFLOW_DISABLE_TELEMETRY":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real public data beside the project. Missing is a failure, never a skip."""
    assert SHARED.is_dir(), f"the public data sets are expected in {SHARED}"
    return SHARED
