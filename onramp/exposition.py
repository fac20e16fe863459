"""The metrics of a home for Prometheus: a text file for node_exporter, or a page.

What is exposed are times, not ages: Prometheus knows what time it is, and a file that nobody
writes any more must not look fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lifecycle.home import Home
from lifecycle.whole import write_whole
from onramp.overview.look import Look
from onramp.overview.overview import Limits, Overview, read
from onramp.overview.rows import Decision

VERDICTS = ("ignore", "watch", "broken data", "retrain", "roll back", "insufficient data")
STATES = (
    "requested", "preparing", "training", "judging", "awaiting approval", "promoting", "promoted",
    "refused", "undecided", "failed", "superseded", "dead letter",
)  # fmt: skip
NEWEST = Limits(looks=1, jobs=0, decisions=0)
READABLE = 0o644  # node_exporter is another user; there is no secret in it


class Gauges:
    """Families of gauges by name, in the order in which they were first named."""

    def __init__(self) -> None:
        self.families: dict[str, GaugeMetricFamily] = {}

    def add(self, name: str, what: str, value: float | datetime | None, **labels: str) -> None:
        """One sample; none where the value is not known."""
        family = self.families.setdefault(
            name, GaugeMetricFamily(f"onramp_{name}", what, labels=list(labels))
        )
        if value is not None:
            number = value.timestamp() if isinstance(value, datetime) else float(value)
            family.add_metric(list(labels.values()), number)


class Read(Collector):
    """An overview, to a registry."""

    def __init__(self, seen: Overview) -> None:
        self.seen = seen

    def collect(self) -> Iterable[Metric]:
        return families(self.seen)


def families(seen: Overview) -> Iterator[Metric]:
    """Every metric of what was seen."""
    gauges = Gauges()
    gauges.add("metrics_written_timestamp_seconds", "When these metrics were read together.",
               seen.read_at)  # fmt: skip
    gauges.add("unreadable", "Files and stores that could not be read; the dashboard names them.",
               len(seen.problems))  # fmt: skip
    gauges.add("data_newest_timestamp_seconds", "When anything was last received.",
               seen.newest_data)  # fmt: skip
    for task, decision in seen.promoted.items():
        add_promoted(gauges, task, decision)
    for task, looks in seen.looks.items():
        for look in looks[:1]:
            add_look(gauges, task, look)
            add_drift(gauges, task, look)
    add_jobs(gauges, seen)
    add_verbs(gauges, seen)
    add_scheduler(gauges, seen)
    yield from gauges.families.values()


def add_promoted(gauges: Gauges, task: str, decision: Decision) -> None:
    """Who serves by the ledger, which needs no MLflow."""
    version = decision.version or ""
    gauges.add("promoted_version", "The version that the ledger last made champion.",
               int(version) if version.isdecimal() else None, task=task)  # fmt: skip
    gauges.add("promoted_timestamp_seconds", "When that was.",
               time_of(decision.at), task=task)  # fmt: skip


def add_look(gauges: Gauges, task: str, look: Look) -> None:
    """The newest look at a task."""
    for verdict in dict.fromkeys((*VERDICTS, look.verdict)):
        gauges.add("monitor_verdict", "1 for the verdict of the newest look.",
                   verdict == look.verdict, task=task, verdict=verdict)  # fmt: skip
    gauges.add("monitor_looked_timestamp_seconds", "When the newest look was taken.",
               look.looked_at, task=task)  # fmt: skip
    gauges.add("monitor_window_end_timestamp_seconds", "When the window ends that it looked at.",
               look.as_of, task=task)  # fmt: skip
    evidence = look.evidence
    for name, what, value in (
        ("monitor_version", "The version that it looked at.", look.version),
        ("monitor_rows", "Moments answered in the window.", evidence.rows),
        ("monitor_due", "Moments that fell due in it.", evidence.due),
        ("monitor_columns_compared", "Columns held against the reference.",
         len({moved.column for moved in evidence.drift})),
        ("monitor_columns_drifted", "Columns that drifted.", len(look.drifted)),
        ("monitor_breaches", "Things that are wrong with the data itself.", len(evidence.broken)),
    ):  # fmt: skip
        gauges.add(name, what, value, task=task)
    add_performance(gauges, task, look)


def add_drift(gauges: Gauges, task: str, look: Look) -> None:
    """How far each column moved: the largest of what was compared of it."""
    effects: dict[str, float] = {}
    for moved in look.evidence.drift:
        if moved.effect is not None and moved.outcome != "could not tell":
            effects[moved.column] = max(effects.get(moved.column, 0.0), moved.effect)
    for column, effect in effects.items():
        gauges.add("monitor_drift", "How far the column moved from the reference, 0 to 1.", effect,
                   task=task, column=column)  # fmt: skip


def add_performance(gauges: Gauges, task: str, look: Look) -> None:
    """The newest ripened window that could be judged."""
    judged, expected = look.judged, look.evidence.estimated
    if expected is not None:
        gauges.add("performance_expected", "What is expected of it before labels ripen.",
                   expected.value, task=task, metric=expected.metric)  # fmt: skip
    if judged is None:
        return
    for name, what, value in (
        ("performance", "The watched metric in the newest judged window.", judged.value),
        ("performance_low", "Lower end of its 95 % interval.", judged.low),
        ("performance_high", "Upper end of its 95 % interval.", judged.high),
        ("performance_approved", "What it was at approval.", judged.baseline),
    ):
        gauges.add(name, what, value, task=task, metric=judged.metric)
    gauges.add("performance_decayed", "1 when that window fell short of what was approved.",
               judged.outcome == "decayed", task=task)  # fmt: skip
    gauges.add("performance_labelled", "Labelled answers in it.", judged.labelled, task=task)
    gauges.add("performance_window_end_timestamp_seconds", "When that window ends.",
               judged.span.end, task=task)  # fmt: skip


def add_jobs(gauges: Gauges, seen: Overview) -> None:
    """Retrain jobs by state, and since when one is open."""
    found = {(count.task, count.state): count for count in seen.job_counts}
    tasks = dict.fromkeys([*seen.questions, *(task for task, _ in found)])
    for task in tasks:
        states = dict.fromkeys((*STATES, *(state for one, state in found if one == task)))
        for state in states:
            count = found.get((task, state))
            gauges.add("jobs", "Retrain jobs by the state that they are in or ended in.",
                       count.jobs if count else 0, task=task, state=state)  # fmt: skip
    for count in seen.job_counts:
        if count.open_since:
            gauges.add("job_open_since_timestamp_seconds", "When the open job was requested.",
                       time_of(count.open_since), task=count.task, state=count.state)  # fmt: skip


def time_of(text: str) -> datetime | None:
    """A time as the stores write it; None of a text that is none, which must stop no verb."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def add_verbs(gauges: Gauges, seen: Overview) -> None:
    """How each verb that a schedule calls ended last, whoever called it."""
    for run in seen.verbs:
        gauges.add("verb_last_success_timestamp_seconds", "When the verb last ended well.",
                   run.succeeded_at, verb=run.verb)  # fmt: skip
        gauges.add("verb_last_end_timestamp_seconds", "When it last ended at all.", run.ended_at,
                   verb=run.verb)  # fmt: skip
        gauges.add("verb_last_exit_code", "With which exit code.", run.exit_code, verb=run.verb)
        gauges.add("verb_last_duration_seconds", "How long it took.", run.seconds, verb=run.verb)


def add_scheduler(gauges: Gauges, seen: Overview) -> None:
    """The scheduler and its runs, where there ever was one."""
    state = seen.scheduler
    if state is None:
        return
    gauges.add("scheduler_beat_timestamp_seconds", "When the scheduler was last heard of.",
               state.beat_at)  # fmt: skip
    gauges.add("scheduler_stopped", "1 when it was asked to end and did.", state.stopped)
    for name, mark in state.marks.items():
        gauges.add("scheduler_run_last_success_timestamp_seconds", "When the run last ended well.",
                   mark.succeeded_at, run=name)  # fmt: skip
        gauges.add("scheduler_run_last_exit_code", "Of the last verb of the run that ended.",
                   mark.exit_code, run=name)  # fmt: skip
    for name, when in state.next_at.items():
        gauges.add("scheduler_run_next_timestamp_seconds", "When the run is due.", when, run=name)


def exposition(home: Home) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Read(read(home, NEWEST)))
    return generate_latest(registry)


def write_textfile(home: Home) -> None:
    """Write them for node_exporter, which sees the old file or the new one.

    Raises:
        OSError: it cannot be written.
    """
    file = write_whole(home.metrics_file, exposition(home))
    file.chmod(READABLE)
