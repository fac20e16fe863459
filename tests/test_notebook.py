"""What the documentation types into a notebook works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tests.newcomer import environ

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"<!-- run -->\n```python\n(?P<body>.*?)```", re.DOTALL)
MINUTE, SHORT = 'budget="60s"', 'budget="5s"'


def customers(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    tenure = rng.integers(0, 60, rows)
    gone = rng.random(rows) < 1 / (1 + np.exp(0.08 * tenure - 1.5))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(rows)],
            "tenure": tenure,
            "plan": rng.choice(["free", "pro"], rows),
            "churned": np.where(gone, "Yes", "No"),
        }
    )


def test_the_example_runs_as_it_is_printed(tmp_path: Path) -> None:
    """In a process of its own, with 5 s in place of 60; nothing is said or written beside."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (body,) = EXAMPLE.findall(text)
    assert body.count(MINUTE) == 1
    customers().to_csv(tmp_path / "customers.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-c", body.replace(MINUTE, SHORT)],
        cwd=tmp_path, env={**environ(), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Result(churned: log_loss 0.")
    assert re.search(r"\((raises|lowers) the chance\)", done.stdout)
    assert {path.name for path in tmp_path.iterdir()} == {"customers.csv", "churn.html", "model"}
    assert (tmp_path / "model" / "model.json").exists()
