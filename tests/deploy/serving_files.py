"""The files of deploy/serving as the tests read them, and the programs that judge them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "serving"
ALERTS = FOLDER / "alerts.yml"
ALERTS_TEST = FOLDER / "alerts_test.yml"
PROMETHEUS = FOLDER / "prometheus.yml"
DASHBOARD = FOLDER / "grafana-dashboard.json"
CONTAINERFILE = FOLDER / "Containerfile"
UNIT = FOLDER / "onramp.service"

# Grafana puts these in itself
GRAFANA = {"$__rate_interval": "1m", "$__interval": "1m"}
METRIC = re.compile(r"\b(?:onramp|process)_\w+")


def program(name: str, package: str) -> str:
    """Where the program is; that it is missing is a failure that says what to install."""
    found = shutil.which(name)
    assert found, (
        f"No {name}. On Debian or Ubuntu, as root: "
        f"deploy/postgres-redis/install-servers.sh (apt-get install {package})"
    )
    return found


def judged(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The program's verdict on its arguments."""
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, timeout=300
    )


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return judged(program("promtool", "prometheus"), *words)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


def queries(board: Mapping[str, Any]) -> list[str]:
    """Every expression of the dashboard, as Prometheus gets it."""
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    found += [note["expr"] for note in board["annotations"]["list"]]
    return [filled(expression) for expression in found]


def filled(expression: str) -> str:
    """With what Grafana would put for its variables."""
    for name, value in GRAFANA.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$(\w+)", ".*", expression)
