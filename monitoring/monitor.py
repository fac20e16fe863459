"""One look at what was served: gather evidence, decide, draw, record, ask for a retrain.

A window is known by (task, as_of). Looking at it again with the same evidence changes nothing:
no second ledger row, no second report. Whether decay shows in k of n windows is read from the
prediction log each time: no run can count a window twice, and corrected labels count in all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lifecycle import strict_json, tracking
from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.metrics import measured
from lifecycle.progress import Progress, silent
from lifecycle.task import Task
from monitoring.approved import approved
from monitoring.budget import Budget, told
from monitoring.complete import Completeness
from monitoring.evidence import numbers
from monitoring.folders import WINDOW_JSON, looking
from monitoring.gather import gather
from monitoring.past import ACTOR, asked_for
from monitoring.picture import picture
from monitoring.report import Drawn
from monitoring.skew import Skewed
from monitoring.triage import TRIGGERS, Evidence, Outcome, Verdict, explain, triage

STEPS = 4


@dataclass(frozen=True, kw_only=True)
class MonitorReport:
    """What was found, what to do, and where the evidence lies.

    Attributes:
        reasons: the one that decided first, then what else was going on.
        windows: how complete the window is, then the ripened ones, newest first.
        budgets: false alarms that each kind of alarm is expected to raise.
        skew: what was answered online, beside the offline store.
        rules: names of the rules that gave the reasons, in the same order.
        repeated: this window was looked at before and nothing has changed since.
        report_problem: why there is no Evidently report; the verdict does not rest on it.
        job_id: the open retrain job, when the verdict is to retrain.
        job_opened: whether this look opened it.
    """

    task: str
    as_of: datetime
    verdict: Outcome
    reasons: tuple[str, ...]
    version: int
    evidence: Evidence
    window_json: Path
    windows: tuple[Completeness, ...] = ()
    budgets: tuple[Budget, ...] = ()
    skew: Skewed = field(default_factory=Skewed)
    rules: tuple[str, ...] = ()
    report_html: Path | None = None
    report_json: Path | None = None
    performance_html: Path | None = None
    segment_htmls: tuple[Path, ...] = ()
    report_problem: str = ""
    run_id: str | None = None
    job_id: str | None = None
    job_opened: bool = False
    repeated: bool = False

    @property
    def alarmed(self) -> tuple[Budget, ...]:
        """The budgets of the alarms that were raised."""
        seen = self.evidence
        raised = {
            "drift": seen.weighty, "broken data": seen.broken, "decay": seen.decayed,
            "calibration": seen.miscalibrated,
        }  # fmt: skip
        return tuple(budget for budget in self.budgets if raised[budget.alarm])

    def lines(self) -> list[str]:
        """What a person reads."""
        found = [f"{self.task}: {self.verdict} (version {self.version}, {self.evidence.span})"]
        found += [f"  {reason}" for reason in self.reasons]
        found += [f"  {budget.words}." for budget in self.alarmed]
        found += [f"  {window.words}." for window in self.windows[:2]]
        if self.skew.problem or (self.skew.differing and not self.skew.breaches):
            found.append(f"  {self.skew.words}.")
        if self.job_id:
            found.append(
                f"  Retrain job {self.job_id} was {'' if self.job_opened else 'already '}opened: "
                f"`onramp retrain {self.task}`."
            )
        found += [f"  {path}" for path in (self.report_html, self.performance_html) if path]
        if self.report_problem:
            found.append(f"  No report was drawn: {self.report_problem}.")
        return found


def monitor(
    home: Home, task: Task, *, as_of: datetime, progress: Progress = silent, report: bool = True
) -> MonitorReport:
    """Look at the window that ends at `as_of`.

    Args:
        home: where the stores are.
        task: as the data set asks it.
        as_of: nothing that was received later exists.
        progress: told of the four steps.
        report: draw Evidently's report as well; it costs some 15 seconds.

    Raises:
        NotReady: the task has no champion.
        Busy: another process looks at the task.
    """
    with (
        looking(home, task.name, as_of) as folder,
        progress(f"monitor {task.name}", STEPS) as advance,
    ):
        against = approved(home, task)
        advance(1)
        gathered = gather(home, task, against, as_of, drawn=report)
        verdict = triage(gathered.evidence)
        found = MonitorReport(
            task=task.name, as_of=as_of, verdict=verdict.outcome, reasons=verdict.reasons,
            rules=tuple(finding.rule for finding in verdict.findings),
            version=against.version.number, evidence=gathered.evidence,
            windows=gathered.windows, budgets=gathered.budgets, skew=gathered.skew,
            window_json=folder / WINDOW_JSON,
        )  # fmt: skip
        advance(1)
        stored = remembered(found)
        if stored is not None and (stored.report_html or stored.report_problem or not report):
            return ask(home, stored)
        drawn = picture(home, task, against, gathered, folder)
        advance(1)
        found = log(home, with_report(found, drawn), verdict)
        found = ask(home, found)
        record(home, found)
        advance(1)
    return found


def digest(report: MonitorReport) -> str:
    """Equal for equal evidence and verdict."""
    seen = strict_json.text([report.verdict, report.evidence])
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def remembered(report: MonitorReport) -> MonitorReport | None:
    """The report with the links it was given before, if this window was seen as it is now."""
    if not report.window_json.exists():
        return None
    stored = json.loads(report.window_json.read_text(encoding="utf-8"))
    if stored["digest"] != digest(report):
        return None
    folder = report.window_json.parent
    paths: dict[str, Any] = {
        name: folder / stored[name] if stored[name] else None
        for name in ("report_html", "report_json", "performance_html")
    }
    return replace(
        report, run_id=stored["run_id"],
        segment_htmls=tuple(folder / name for name in stored.get("segment_htmls", ())),
        report_problem=stored["report_problem"], repeated=True,
        **paths,
    )  # fmt: skip


def with_report(report: MonitorReport, drawn: Drawn) -> MonitorReport:
    return replace(
        report, report_html=drawn.html, report_json=drawn.json,
        performance_html=drawn.performance_html, segment_htmls=drawn.segment_htmls,
        report_problem=drawn.problem,
    )  # fmt: skip


def log(home: Home, report: MonitorReport, verdict: Verdict) -> MonitorReport:
    """Write the window as a run in MLflow, with the report's files."""
    tags = {
        "verdict": report.verdict, "task": report.task, "version": str(report.version),
        "as_of": report.as_of.isoformat(), "why": report.reasons[0],
    }  # fmt: skip
    title = f"{report.as_of:%Y-%m-%d} {report.verdict}"
    with tracking.run(home, f"{report.task}-monitoring", title, tags) as run:
        run.metrics(measured(dict(numbers(report.evidence))))
        run.text(strict_json.text({"verdict": verdict, "evidence": report.evidence}), WINDOW_JSON)
        pages = (report.report_html, report.report_json, report.performance_html)
        for path in (*pages, *report.segment_htmls):
            if path is not None:
                run.file(path)
        return replace(report, run_id=run.run_id)


def ask(home: Home, report: MonitorReport) -> MonitorReport:
    """Open a retrain job when the verdict is to retrain; one that is open stays the one.

    One that was opened on these data is not opened again: it failed, or a person cancelled it.
    """
    if report.verdict != "retrain":
        return report
    jobs = Jobs(home)
    if before := asked_for(jobs.read(report.task), report.as_of):
        return replace(report, job_id=before.id)
    job, opened = jobs.request(
        report.task, why=report.reasons[0], by=ACTOR, as_of=report.as_of,
        trigger=TRIGGERS[report.rules[0]],
    )  # fmt: skip
    return replace(report, job_id=job.id, job_opened=opened)


def record(home: Home, report: MonitorReport) -> None:
    """Write the decision into the ledger, then the window's own file, which says it is done.

    A verdict that the window's last row holds already is not written twice; one that comes back
    after another is, for the last row about a window is the one that counts.
    """
    folder, seen = report.window_json.parent, digest(report)
    entry, ledger = entry_of(report, seen), Ledger(home)
    rows = ledger.select("task = ? AND actor = ?", (report.task, ACTOR))
    of_window = (row for row in rows if row.evidence.get("as_of") == entry.evidence["as_of"])
    last = next(of_window, None)
    if last is None or last.evidence.get("digest") != seen:
        ledger.append(entry)
    strict_json.write(
        report.window_json,
        {
            "digest": seen,
            "task": report.task,
            "as_of": report.as_of,
            "version": report.version,
            "verdict": report.verdict,
            "reasons": report.reasons,
            "rules": explain(report.evidence),
            "evidence": report.evidence,
            "windows": report.windows,
            "skew": report.skew,
            "budgets": [told(budget) for budget in report.budgets],
            "run_id": report.run_id,
            "job_id": report.job_id,
            "report_problem": report.report_problem,
            "segment_htmls": [path.name for path in report.segment_htmls],
            **{
                name: path.relative_to(folder).as_posix() if path else None
                for name, path in (
                    ("report_html", report.report_html),
                    ("report_json", report.report_json),
                    ("performance_html", report.performance_html),
                )
            },
        },
    )


def entry_of(report: MonitorReport, seen: str) -> Entry:
    """The ledger's row: the verdict, every reason, and links to what it rests on."""
    evidence = report.evidence
    moved = (*evidence.drifted, *evidence.lingering)
    return Entry(
        actor=ACTOR,
        task=report.task,
        decision=report.verdict,
        why=" ".join(report.reasons),
        version=str(report.version),
        evidence=strict_json.plain(
            {
                "digest": seen,
                "as_of": report.as_of,
                "window": evidence.span,
                "rows": evidence.rows,
                "rules": report.rules,
                "trigger": TRIGGERS.get(report.rules[0]),
                "newest": evidence.judged[0].outcome if evidence.judged else "",
                "drifted": sorted({one.column for one in moved}),
                "broken": [breach.words for breach in evidence.broken],
                "checks": sorted({breach.check for breach in evidence.broken}),
                "columns": sorted({breach.column for breach in evidence.broken if breach.column}),
                "decayed": [one.words for one in evidence.decayed],
                "report": report.report_html,
                "window_json": report.window_json,
                "mlflow_run": report.run_id,
                "job": report.job_id,
            }
        ),
    )
