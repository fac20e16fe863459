"""One week of monitoring in the world of `benchmarks/triage.py`, by Onramp's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from benchmarks.triage_model import WATCHED, Made, answered, approved
from benchmarks.triage_world import DELAY, FEATURES, NUMBERS, START, WEEK, People
from lifecycle.job import Job
from lifecycle.profile import Profile, Shape, profile_of, shape_of
from lifecycle.profiling import Bounds
from lifecycle.triggers import Due
from monitoring.estimated import expected_of
from monitoring.evidence import Evidence, Past
from monitoring.gather import Ripened, ripened
from monitoring.gather import champion as champion_of
from monitoring.past import ACTOR, retrains_of
from monitoring.profile import Reference, breaches, drifts, profile_window
from monitoring.triage import Verdict, triage
from monitoring.windows import Span, Window

LABEL = ["customer_id", "event_timestamp", "label"]
Weeks = Callable[[int], People]


@dataclass(kw_only=True)
class Served:
    """What outlives a look: who answered which week, what was decided, what was tried.

    Attributes:
        weeks: customers of a week.
        log: week → rows of the prediction log.
        champion: who answers.
        baseline, pinned: what was approved, and with which version.
        judged: (version, week) → what its labels said.
        references: version → its test in counts.
    """

    weeks: Weeks
    champion: Made
    baseline: float
    pinned: int
    log: dict[int, pd.DataFrame] = field(default_factory=dict)
    history: list[Past] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    judged: dict[tuple[int, int], Ripened] = field(default_factory=dict)
    references: dict[int, Reference] = field(default_factory=dict)

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


@dataclass(frozen=True, kw_only=True)
class Logged(Window):
    """A window whose rows are an array, counted by the same places as one on the disk."""

    logged: pd.DataFrame
    champion: int

    def read(
        self,
        columns: Sequence[str],
        *,
        version: int | None = None,
        most: int | None = None,  # noqa: ARG002  nothing is large here
    ) -> pd.DataFrame:
        rows = self.logged if version is None else self.logged[self.logged["version"] == version]
        return rows[[name for name in columns if name in rows]]

    def profile(
        self,
        shapes: Sequence[Shape],
        bounds: Mapping[str, Bounds],  # noqa: ARG002  nothing is bounded here
        own: Sequence[str] = (),
    ) -> Profile:
        """The rows in counts; another version's answers are none of the champion's."""
        if self.logged.empty:
            return Profile(shapes=tuple(shapes), parts={})
        rows = self.logged.assign(
            **{name: self.logged[name].where(self.logged["version"] == self.champion)
               for name in own if len(self.versions) > 1 or self.champion not in self.versions}
        )  # fmt: skip
        return profile_of(rows, shapes)

    def commonest(self, column: str, known: Sequence[str]) -> tuple[object, int]:
        found = self.logged[column][~self.logged[column].isin(list(known))].value_counts()
        return (found.index[0], int(found.iloc[0])) if len(found) else (None, 0)


def importance(made: Made) -> Mapping[str, float]:
    """Each input's share of the spread of the log-odds."""
    spread = np.abs(made.model.weights[1:]) * made.test.matrix.std(axis=0)
    parts = dict(zip(NUMBERS, map(float, spread[:6]), strict=True))
    return {**parts, "plan": float(spread[6] + spread[7]), "source": 0.0}


def reference_of(served: Served) -> Reference:
    """The champion's own test in counts, as its version would carry it."""
    made = served.champion
    if made.number not in served.references:
        against = approved(made, served.baseline, served.pinned)
        shapes = [shape_of(name, against.reference[name]) for name in (*FEATURES, "prediction")]
        counts = profile_of(against.reference, shapes)
        known = replace(counts, importance=importance(made))
        served.references[made.number] = Reference(
            against=against, profile=known, whole=known.whole()
        )
    return served.references[made.number]


def evidence_at(served: Served, end: int, as_of: datetime) -> Evidence:
    """What `monitoring.gather` brings together from the stores, from arrays."""
    reference, monitor = reference_of(served), WATCHED.monitor
    against = reference.against
    now = at(served, end - 1)
    counts = profile_window(reference, now)
    weeks = [end - 1 - DELAY - n for n in range(monitor.of + 1)]
    judged = [judged_once(served, reference, week) for week in weeks[: monitor.of]]
    tried = retrains_of(served.jobs, monitor, as_of, served.history)
    return Evidence(
        task=WATCHED.name,
        span=now.span,
        rows=now.rows,
        due=now.rows,
        least_rows=monitor.least_rows,
        champion=champion_of(against, [now, *(at(served, week) for week in weeks)]),
        broken=breaches(reference, now, counts),
        drift=drifts(reference, counts, monitor.effect),
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
        estimated=expected_of(
            against.yardstick, against.reference,
            now.read(["prediction"], version=against.version.number),
            [one.given for one in judged if not one.performance.set_aside],
        ),
    )  # fmt: skip


def judged_once(served: Served, reference: Reference, week: int) -> Ripened:
    """What the labels of a week say of the champion: they come once, so it is measured once."""
    key = reference.against.version.number, week
    if key not in served.judged:
        truth = served.weeks(week).frame[LABEL]
        served.judged[key] = ripened(at(served, week), reference, truth)
    return served.judged[key]


def at(served: Served, week: int) -> Logged:
    """The window of one week; empty where nothing was answered."""
    logged = served.log.get(week)
    if logged is None:
        logged = next(iter(served.log.values())).head(0)
    by = {int(str(version)): rows for version, rows in logged.groupby("version")}
    return Logged(
        span=Span(start=START + week * WEEK, end=START + (week + 1) * WEEK),
        rows=len(logged), logged=logged, champion=served.champion.number,
        versions={version: len(rows) for version, rows in by.items()},
        firsts={version: rows["event_timestamp"].min().to_pydatetime()
                for version, rows in by.items()},
    )  # fmt: skip


def past_of(as_of: datetime, evidence: Evidence, verdict: Verdict) -> Past:
    moved = (*evidence.drifted, *evidence.lingering)
    return Past(
        as_of=as_of, outcome=verdict.outcome, version=evidence.champion.version,
        rules=tuple(one.rule for one in verdict.findings),
        drifted=tuple(sorted({one.column for one in moved})),
        newest=evidence.judged[0].outcome if evidence.judged else "",
    )  # fmt: skip


def opened(asked: Due, as_of: datetime) -> Job:
    """A retrain job, as the store holds it."""
    when = as_of.isoformat()
    return Job(
        id=when, task=WATCHED.name, state="requested", why=asked.why, trigger=asked.trigger,
        requested_by=ACTOR, requested_at=when, as_of=when, worker=None, heartbeat_at=None,
        ended_at=None, attempts=1, outcome="{}",
    )  # fmt: skip


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
