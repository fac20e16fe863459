"""One week of monitoring in the world of `benchmarks/triage.py`, by Onramp's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from benchmarks.triage_model import WATCHED, Made, answered, approved
from benchmarks.triage_world import DELAY, FEATURES, START, WEEK, People
from monitoring.approved import Approved
from monitoring.evidence import Evidence, Past
from monitoring.gather import Ripened, drifts, estimated, ripened
from monitoring.gather import champion as champion_of
from monitoring.past import retrains_of
from monitoring.quality import columns_broken
from monitoring.triage import Verdict, triage
from monitoring.windows import Span, Window, window

LABEL = ["customer_id", "event_timestamp", "label"]
Weeks = Callable[[int], People]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A retrain that was tried, as `monitoring.past` reads it."""

    as_of: str
    state: str
    requested_by: str = "monitor"


@dataclass(kw_only=True)
class Served:
    """What outlives a look: who answered which week, what was decided, what was tried.

    Attributes:
        weeks: customers of a week.
        log: week → rows of the prediction log.
        champion: who answers.
        baseline, pinned: what was approved, and with which version.
        judged: (version, week) → what its labels said.
    """

    weeks: Weeks
    champion: Made
    baseline: float
    pinned: int
    log: dict[int, pd.DataFrame] = field(default_factory=dict)
    history: list[Past] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    judged: dict[tuple[int, int], Ripened] = field(default_factory=dict)

    @classmethod
    def of(cls, weeks: Weeks, champion: Made) -> Served:
        return cls(weeks=weeks, champion=champion, baseline=champion.metrics["roc_auc"],
                   pinned=champion.number)  # fmt: skip

    def answer(self, week: int) -> None:
        self.log[week] = answered(self.champion, self.weeks(week))

    def promote(self, made: Made) -> None:
        """A retrain does not move what was approved (`monitoring.approved.pinned`)."""
        self.champion = made

    def look(self, end: int) -> tuple[Verdict, Evidence]:
        """Monitor at the end of week `end - 1`; remembers the verdict as the ledger would."""
        as_of = START + end * WEEK
        evidence = evidence_at(self, end, as_of)
        verdict = triage(evidence)
        self.history.insert(0, past_of(as_of, evidence, verdict))
        return verdict, evidence


def importance(made: Made) -> Mapping[str, float]:
    """Each input's share of the spread of the log-odds."""
    spread = np.abs(made.model.weights[1:]) * made.test.matrix.std(axis=0)
    of_plan = float(spread[6] + spread[7])
    shares = {**dict(zip(FEATURES[:6], map(float, spread[:6]), strict=True)), "plan": of_plan}
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def evidence_at(served: Served, end: int, as_of: datetime) -> Evidence:
    """What `monitoring.gather` brings together from the stores, from arrays."""
    champion, monitor = served.champion, WATCHED.monitor
    against = approved(champion, served.baseline, served.pinned, importance(champion))
    number, before = champion.number, against.reference

    now = at(served, end - 1, number)
    weeks = [end - 1 - DELAY - n for n in range(monitor.of + 1)]
    ripe = [at(served, week, number) for week in weeks]
    judged = [judged_once(served, against, week) for week in weeks[: monitor.of]]
    tried = retrains_of(served.jobs, monitor, as_of, served.history)
    return Evidence(
        task=WATCHED.name,
        span=now.span,
        rows=now.rows,
        due=now.rows,
        least_rows=monitor.least_rows,
        champion=champion_of(against, [now, *ripe]),
        broken=columns_broken(before, now.frame, against.bounds),
        drift=drifts(against, before, now.frame, effect=monitor.effect),
        effect=monitor.effect,
        performance=tuple(one.performance for one in judged),
        tolerated_loss=monitor.tolerated_loss,
        windows_to_act=monitor.windows,
        retrained=tried.last,
        cooled_down=tried.ready is None or as_of >= tried.ready,
        cooled_at=tried.ready,
        retrains_this_month=tried.this_month,
        retrains_a_month=monitor.retrains_a_month,
        history=tuple(served.history),
        estimated=estimated(against, now, judged),
        importance=tuple(against.importance.items()),
    )


def judged_once(served: Served, against: Approved, week: int) -> Ripened:
    """What the labels of a week say of the champion: they come once, so it is measured once."""
    key = against.version.number, week
    if key not in served.judged:
        truth = served.weeks(week).frame[LABEL]
        served.judged[key] = ripened(at(served, week, key[0]), against, truth)
    return served.judged[key]


def at(served: Served, week: int, champion: int) -> Window:
    """The window of one week; empty where nothing was answered."""
    logged = served.log.get(week)
    if logged is None:
        logged = next(iter(served.log.values())).head(0)
    return window(Span(start=START + week * WEEK, end=START + (week + 1) * WEEK), logged, champion)


def past_of(as_of: datetime, evidence: Evidence, verdict: Verdict) -> Past:
    moved = (*evidence.drifted, *evidence.lingering)
    return Past(
        as_of=as_of, outcome=verdict.outcome, version=evidence.champion.version,
        rules=tuple(one.rule for one in verdict.findings),
        drifted=tuple(sorted({one.column for one in moved})),
        newest=evidence.judged[0].outcome if evidence.judged else "",
    )  # fmt: skip


def tried(served: Served, end: int, state: str) -> None:
    """Write down that a retrain was judged."""
    served.jobs.append(Job(as_of=(START + end * WEEK).isoformat(), state=state))


def named(served: Served, ends: Sequence[int]) -> list[tuple[str, str]]:
    """(rule, outcome) of the looks at these ends of weeks; answers what was not answered yet."""
    found = []
    for end in ends:
        for week in range(end - DELAY - WATCHED.monitor.of - 2, end):
            if week not in served.log:
                served.answer(week)
        verdict, _ = served.look(end)
        found.append((verdict.rule, verdict.outcome))
    return found
