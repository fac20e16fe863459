"""A year of weeks under one policy: when it retrains, and how good its answers are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from benchmarks.triage_look import Served, at, opened, reference_of
from benchmarks.triage_model import WATCHED, Made, answered, make, on_all, promoted
from benchmarks.triage_world import DELAY, START, WEEK, People, Truth, World, together
from lifecycle.job_states import State
from lifecycle.metrics import measure
from lifecycle.triggers import Due, Facts, Said, due
from monitoring import drift
from monitoring.profile import profile_window
from monitoring.triage import TRIGGERS, Verdict
from onramp.retrain import answers

WEEKS = 52
ROWS = 1_500  # customers a week
BEFORE, KEPT = 26, 26  # weeks of history at the start, and that anybody learns from
BUG, CONCEPT = 15, 30
STORY = Truth(concept=CONCEPT, covariate=22, season=1.0, broken=BUG, until=BUG + 1, how="unit")
MONTH = 4
ALPHA = 0.05  # of each column, as a library's default has it


@dataclass(kw_only=True)
class Year:
    """Where a policy stands.

    Attributes:
        served: the champion, its answers and what was decided.
        distrusted: weeks that triage called broken.
        retrains: (week, what became of it).
        verdicts: (week, rule, outcome), of our policy.
        estimates: of the ROC-AUC of each week before its labels, of our policy.
    """

    served: Served
    distrusted: set[int] = field(default_factory=set)
    retrains: list[tuple[int, str]] = field(default_factory=list)
    verdicts: list[tuple[int, str, str]] = field(default_factory=list)
    estimates: list[float | None] = field(default_factory=list)
    made: int = 1

    def labelled(self, end: int) -> People:
        """The newest half year of weeks whose labels are known and that nobody called broken."""
        newest = end - 1 - DELAY
        weeks = [week for week in range(newest - KEPT + 1, newest + 1)
                 if week >= -BEFORE and week not in self.distrusted]  # fmt: skip
        return together([self.served.weeks(week) for week in weeks])


def never(year: Year, end: int) -> None:
    """Keep the first model."""


def replaced(year: Year, end: int, *, fresh: bool = False) -> None:
    """Train on what has labels and serve it, whatever it is worth."""
    year.made += 1
    as_of, rows = START + end * WEEK, year.labelled(end)
    if fresh:
        regained = WATCHED.monitor.tolerated_loss
        found = make(rows, year.made, as_of, fresh=True, regained=regained)
    else:
        found = on_all(rows, year.made, as_of)
    year.served.promote(found)
    year.retrains.append((end, "promoted"))


def any_column(year: Year, end: int) -> None:
    """Retrain when any column of the newest week differs from what was learned from."""
    served = year.served
    reference = reference_of(served)
    counts = profile_window(reference, at(served, end - 1)).whole()
    found = drift.measure(reference.features, reference.whole, counts)
    if min(one.p_value for one in found) < ALPHA:
        replaced(year, end)


def monthly(year: Year, end: int) -> None:
    if end % MONTH == 0:
        replaced(year, end)


def weekly(year: Year, end: int) -> None:
    replaced(year, end)


def weekly_by_window(year: Year, end: int) -> None:
    """Every week, with our choice of the training window, and no gate."""
    replaced(year, end, fresh=True)


def ours(year: Year, end: int) -> None:
    """Onramp: triage decides, a retrain learns from the newest, the gate judges."""
    served = year.served
    verdict, evidence = served.look(end)
    year.verdicts.append((end, verdict.rule, verdict.outcome))
    year.estimates.append(evidence.estimated.value if evidence.estimated else None)
    if verdict.outcome == "broken data":
        year.distrusted.add(end - 1)
    as_of = START + end * WEEK
    asked = wanted(served, verdict, as_of)
    if asked is None:
        return
    job = opened(asked, as_of)
    year.made += 1
    challenger = make(
        year.labelled(end), year.made, as_of, fresh=True, regained=answers(WATCHED, job)
    )
    state: State = "promoted" if promoted(challenger, served.champion) else "refused"
    served.jobs.append(replace(job, state=state, version=year.made))
    if state == "promoted":
        served.promote(challenger)
    days = challenger.window.days or "all"
    year.retrains.append((end, f"{asked.trigger}: {state}, {days} days"))


def wanted(served: Served, verdict: Verdict, as_of: datetime) -> Due | None:
    """What opens a retrain job: the verdict, at once, or else what is due."""
    if verdict.outcome == "retrain":
        return Due(trigger=TRIGGERS[verdict.rule], why=verdict.reasons[0])
    said = Said(verdict=verdict.outcome, why=verdict.reasons[0], as_of=as_of)
    champion = served.champion
    facts = Facts(champion=champion.number, trained_as_of=champion.as_of, said=said,
                  window_days=champion.window.days)  # fmt: skip
    return due(WATCHED, served.jobs, facts, as_of)


POLICIES: Mapping[str, Callable[[Year, int], None]] = {
    "never": never,
    "any column drifted": any_column,
    "monthly": monthly,
    "weekly": weekly,
    "weekly, window chosen": weekly_by_window,
    "Onramp": ours,
}


def first(weeks: Callable[[int], People]) -> Made:
    """The model that everybody starts with."""
    return make(together([weeks(week) for week in range(-BEFORE, 0)]), 1, START, fresh=False)


def lived(policy: str, seed: int, story: Truth = STORY, weeks: int = WEEKS) -> str:
    """Live through a year; returns its line."""
    week_of = lru_cache(maxsize=None)(World(seed=seed, rows=ROWS, truth=story).week)
    year = Year(served=Served.of(week_of, first(week_of)))
    for week in range(-DELAY - 6, 0):  # it has served before the year begins
        year.served.answer(week)
    aucs = []
    for week in range(weeks):
        year.served.answer(week)
        people = week_of(week)
        p = answered(year.served.champion, people)["prediction"].to_numpy()
        aucs.append(measure("binary", people.labels, p)["roc_auc"])
        POLICIES[policy](year, week + 1)
    return json.dumps(
        {"what": "year", "policy": policy, "seed": seed, "auc": aucs, "retrains": year.retrains,
         "verdicts": year.verdicts, "estimates": year.estimates}
    )  # fmt: skip


def reachable(seed: int) -> list[float]:
    """The ROC-AUC of the truth itself in each week: nobody can do better on average."""
    world = World(seed=seed, rows=ROWS, truth=STORY)
    people = [world.week(week) for week in range(WEEKS)]
    return [measure("binary", one.labels, one.chance)["roc_auc"] for one in people]
