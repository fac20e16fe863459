"""Run by Airflow's own Python: what the operator makes of each exit code of a verb."""

from __future__ import annotations

import os
import sys
from pathlib import Path

EXPECTED = {
    0: "success", 10: "success", 11: "success", 13: "success", 5: "AirflowException",
    1: "AirflowFailException", 2: "AirflowFailException", 3: "AirflowFailException",
    4: "AirflowFailException", 12: "AirflowFailException", 137: "AirflowFailException",
}  # fmt: skip
LIMITS = {"45s": 45.0, "90": 90.0, "1h30m": 5400.0, "1.5h": 5400.0}


def main(folder: Path) -> int:
    """Exit codes by a program of this folder that ends with the one it is told."""
    program = folder / "ends-with"
    program.write_text("#!/bin/sh\nexit $1\n")
    program.chmod(0o755)
    os.environ["RUN_ONRAMP"] = str(program)
    sys.path.insert(0, str(folder / "dags"))
    import onramp_dags  # noqa: PLC0415  it reads the variables when it is imported

    found = {code: outcome(onramp_dags, code) for code in EXPECTED}
    for code, ended in found.items():
        sys.stdout.write(f"exit code {code}: {ended}\n")
    dags = sorted(name for name in vars(onramp_dags) if name.startswith("onramp_"))
    sys.stdout.write(f"DAGs: {', '.join(dags)}\n")
    limits = {text: onramp_dags.limit_of(text).total_seconds() for text in LIMITS}
    right = found == EXPECTED and dags == ["onramp_nightly", "onramp_retrain"] and limits == LIMITS
    return int(not right)


def outcome(dags: object, code: int) -> str:
    """How a task ends whose program ends with this code."""
    verb = dags.Verb(task_id=f"ends_with_{code}", words=[str(code)])  # type: ignore[attr-defined]
    try:
        verb.execute({})
    except Exception as error:  # noqa: BLE001  its name is what is asked
        return type(error).__name__
    return "success"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
