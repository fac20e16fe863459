"""Why the last look came to its verdict: every rule that applied or not, with its numbers.

Read from the window's own file, which the ledger's row names; nothing is looked at anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.errors import NotReady
from lifecycle.home import Home
from lifecycle.ledger import MONITOR, Entry, Ledger


@dataclass(frozen=True, kw_only=True)
class WhyReport:
    """One verdict and everything that led to it.

    Attributes:
        at: when the clock said it was decided.
        as_of: end of the window, as the ledger has it.
        rules: each rule's name, outcome, whether it `applies` and `decides`, and its `numbers`.
        earlier: the verdicts before it, newest first.
    """

    task: str
    at: str
    as_of: str
    verdict: str
    version: int
    reasons: tuple[str, ...]
    rules: tuple[Mapping[str, Any], ...]
    earlier: tuple[str, ...]
    window_json: Path

    def lines(self) -> list[str]:
        """What a person reads."""
        found = [f"{self.task}: {self.verdict} (version {self.version}, window to {self.as_of})"]
        found += [f"  {reason}" for reason in self.reasons]
        found.append("  Rules in order of precedence; the first that applies decides:")
        found += [f"  {mark(rule)} {rule['rule']}: {rule['numbers']}" for rule in self.rules]
        if self.earlier:
            found.append(f"  Before: {'; '.join(self.earlier)}.")
        return [*found, f"  {self.window_json}"]


def mark(rule: Mapping[str, Any]) -> str:
    """`→` decided, `+` applied as well, `·` did not apply."""
    if rule["decides"]:
        return f"→ {rule['outcome']},"
    return f"{'+' if rule['applies'] else '·'} {rule['outcome']},"


def why(home: Home, task: str) -> WhyReport:
    """Explain monitoring's last verdict on the task.

    Raises:
        NotReady: there is none, or its file is gone or of before rules were kept in it.
    """
    rows = Ledger(home).select("task = ? AND actor = ?", (task, MONITOR), newest=6)
    looked = [row for row in rows if "window_json" in row.evidence]
    if not looked:
        raise NotReady(
            f"No window of {task} was looked at yet.", do=f"Run `onramp monitor {task}`."
        )
    last = looked[0]
    file = Path(str(last.evidence["window_json"]))
    stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if "rules" not in stored:
        raise NotReady(
            f"The last verdict on {task} cannot be explained.",
            found=f"{file} {'holds no rules' if file.exists() else 'is gone'}.",
            do=f"Look again: `onramp monitor {task}`.",
        )
    return WhyReport(
        task=task, at=last.at, as_of=str(last.evidence["as_of"]), verdict=last.decision,
        version=int(last.version or 0), reasons=tuple(stored["reasons"]),
        rules=tuple(stored["rules"]), earlier=tuple(map(before, looked[1:])), window_json=file,
    )  # fmt: skip


def before(row: Entry) -> str:
    return f"{str(row.evidence.get('as_of', row.at))[:10]} {row.decision}"
