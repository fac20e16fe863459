"""What a check of a table found: a value with a verdict, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lifecycle.errors import OnrampError

Verdict = Literal["passed", "quarantined", "failed", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was asked of one table.

    Attributes:
        stage: the table, such as `events` or `training set of churn`.
        check: what has to hold.
        rows: how many were looked at.
        broken: how many of them break it.
        verdict: quarantined: the broken rows were set aside, with their reasons. failed: they
            are where they were. unknown: it could not be told, which is no pass.
        found: the first reasons, or why it could not be told.
        do: what to do about it; empty where it passed.
    """

    stage: str
    check: str
    rows: int
    broken: int
    verdict: Verdict
    found: str = ""
    do: str = ""


def judged(
    stage: str, check: str, rows: int, broken: int, *, found: str = "", do: str = ""
) -> Finding:
    """Passed where nothing is broken, failed otherwise."""
    if broken == 0:
        return Finding(stage=stage, check=check, rows=rows, broken=0, verdict="passed")
    return Finding(
        stage=stage, check=check, rows=rows, broken=broken, verdict="failed", found=found, do=do
    )


def untold(stage: str, check: str, error: OnrampError) -> Finding:
    """It could not be told, for the reason that the error gives."""
    return Finding(
        stage=stage, check=check, rows=0, broken=0, verdict="unknown",
        found=f"{error.what} {error.found}".strip(), do=error.do,
    )  # fmt: skip


def sound(findings: Sequence[Finding]) -> bool:
    return all(finding.verdict == "passed" for finding in findings)
