"""What every test may rely on: no display, no setting of the developer's own."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

mpl.use("Agg")


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
