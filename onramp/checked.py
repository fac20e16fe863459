"""Every table from customers to training sets, each held to its own rules: one report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from features.audit import BOUNDS, same_moments, view_findings
from features.audit_store import store_findings
from features.findings import Finding, judged, sound, untold
from features.leakage import find_leaks
from features.tables import tables
from lifecycle.errors import DataError, OnrampError
from lifecycle.event_store import EventStore
from lifecycle.home import Home
from onramp.console import table
from segments.table import VIEW, segment_table
from tasks import supported
from training.audit import training_findings

LEAK_CUSTOMERS = 200


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What was asked, of what, and how it ended."""

    as_of: datetime
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return 0 if sound(self.findings) else DataError.exit_code

    def lines(self) -> list[str]:
        """What a person reads."""
        heading = ("table", "check", "rows", "broken", "verdict")
        rows = [
            (f.stage, f.check, f"{f.rows:,}", f"{f.broken:,}", f.verdict) for f in self.findings
        ]
        return [*table([heading, *rows]), *(line for f in self.findings for line in told(f))]


def told(finding: Finding) -> list[str]:
    """Of what did not pass: what was found, and what to do."""
    if finding.verdict == "passed":
        return []
    return ["", f"{finding.stage}, {finding.check}: {finding.found}", f"  {finding.do}"]


def check_all(home: Home, *, as_of: datetime | None = None, leaks: bool = False) -> CheckReport:
    """Check the event store, the views, the training sets; look for leaks when asked to.

    Raises:
        NotReady: nothing was ingested.
        Busy: built rows are to be quarantined while a build goes on.
    """
    now = as_of or EventStore(home).as_of(home.dataset())
    return CheckReport(as_of=now, findings=tuple(findings(home, now, leaks=leaks)))


def findings(home: Home, as_of: datetime, *, leaks: bool) -> Iterator[Finding]:
    dataset = home.dataset()
    yield from store_findings(home, dataset, as_of)
    views = tables(home, dataset)
    for view in views:
        yield from view_findings(home, view, as_of)
    yield from same_moments(views)
    yield from segment_findings(home, as_of)
    if leaks:
        yield leakage(home, as_of)
    for task in supported(dataset).values():
        yield from training_findings(home, task, as_of)


def segment_findings(home: Home, as_of: datetime) -> Iterator[Finding]:
    """Of the view of segments; that a rule cannot be read is a finding too."""
    try:
        table = segment_table(home).table
    except OnrampError as error:
        yield untold(VIEW, BOUNDS, error)
        return
    yield from view_findings(home, table, as_of) if table.features else ()


def leakage(home: Home, as_of: datetime) -> Finding:
    """No feature differs when a future is planted behind the moments of some customers."""
    found = find_leaks(home, as_of=as_of, customers=LEAK_CUSTOMERS)
    return judged(
        "features", "no feature looks ahead", LEAK_CUSTOMERS, len(found),
        found=", ".join(leak.feature for leak in found),
        do="Mend these features' definitions, then build again.",
    )  # fmt: skip
