"""`kill -9` at every step of a retrain job, as a log: what it left, what the next run did.

`python -m benchmarks.killed` runs what `tests/training/promotion/test_killed_jobs.py` asserts, in
processes of their own, and writes `killed.md`. The training is a copy of a version, which takes no
time; the store, the registry, the gate and the change of champion are the real ones.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from lifecycle.home import open_home
from tests.training.promotion.doomed import Doomed
from tests.training.promotion.killed_job import STEPS, Seen, Told, killed
from tests.training.promotion.world import hang_up, make_world, put_back

PAGE = Path(__file__).with_suffix(".md")
HEADING = """# Killed at every step

`python -m benchmarks.killed` writes this file. At each step a worker of a retrain job is killed by
`kill -9`, in a process of its own; then another is started. The step named is the one that the kill
came before, or right after where it says what *is* so. Of the steps that have the same name the
first is of a promotion and the second of a refusal.

| killed at | it left | the next run | ended as | attempts | versions | promotions | locks held |
|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the log."""
    doomed, rows = Doomed(), []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onramp-killed-") as folder:
        original = make_world(open_home(Path(folder) / "original"))
        hang_up(original)
        for outcome, step in STEPS:
            home = put_back(original, Path(folder) / "world")
            rows.append(line(step, killed(home, doomed, outcome, step)))
            print(rows[-1], flush=True)
        doomed.close()
    PAGE.write_text(HEADING + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{len(rows)} kills in {time.monotonic() - began:.0f} s")


def line(step: str, told: Told) -> str:
    """One row of the table."""
    cells = (
        step, left(told.left), did(told), f"*{told.ended.state}*", told.ended.attempts,
        len(told.ended.versions), told.promotions, len(told.held),
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def left(seen: Seen) -> str:
    """What a kill left behind."""
    version = f"version {seen.versions[0]}" if seen.versions else "no version"
    move = "a change of champion under way, " if "open" in seen.moves else ""
    return f"*{seen.state}*, {version}, {move}version {seen.champion} serves"


def did(told: Told) -> str:
    """What the run after it did, by what it changed."""
    before, after = told.left, told.ended
    found = []
    if "open" in before.moves:
        finished = after.moves[len(before.moves) - 1] == "done"
        found.append("finished that change" if finished else "undid that change")
    if after.attempts > before.attempts:
        found.append("took the job over")
        taken = f"went on with version {before.versions[0]}" if before.versions else ""
        found.append("trained" if after.versions != before.versions else taken)
    return ", ".join(found) or "found nothing to do"


if __name__ == "__main__":
    main()
