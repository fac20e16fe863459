"""The page: an overview arranged for a reader, in one file that asks for nothing else.

It has no script. Its policy allows the one style sheet that stands in it, by its digest, and
nothing more, so that a name which somebody made of markup stays text even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from onramp.dashboard import drift_map, quality_chart
from onramp.dashboard.links import Links, segment_of
from onramp.overview.champions import Serving, monitoring
from onramp.overview.look import Look, Quality
from onramp.overview.overview import Overview
from onramp.overview.rows import Decision, JobRow
from onramp.page import PAGES, render
from onramp.scheduler.words import outcome, standing

CSS = (PAGES / "dashboard.css").read_text(encoding="utf-8")
DIGEST = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{DIGEST}'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
TONES = {
    "ignore": "well", "watch": "warn", "insufficient data": "warn", "broken data": "ill",
    "retrain": "ill", "roll back": "ill",
}  # fmt: skip
MOST_ALARMS = 8
UNKNOWN = "–"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A look whose verdict was not to ignore it; `pages`: Evidently's, by what they are called."""

    look: Look
    tone: str
    pages: Mapping[str, str]
    run: str


@dataclass(frozen=True, kw_only=True)
class TaskPart:
    """What the page shows of one task."""

    name: str
    question: str
    serving: Serving
    promoted: Decision | None
    run: str
    newest: Look | None
    tone: str
    report: str
    judged: Quality | None
    qualities: tuple[Quality, ...]
    quality_chart: Markup | None
    grid: drift_map.Grid | None
    drift_map: Markup | None
    alarms: tuple[Alarm, ...]
    job: JobRow | None


@dataclass(frozen=True, kw_only=True)
class Registered:
    """What the registry said, and why it did not."""

    tasks: Mapping[str, Serving] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def page(seen: Overview, registered: Registered, links: Links) -> str:
    """The whole page, as HTML."""
    tasks = [part(seen, registered, links, task) for task in seen.looks]
    values: dict[str, Any] = {
        "css": Markup(CSS),  # noqa: S704  our own file
        "policy": POLICY,
        "seen": seen,
        "tasks": tasks,
        "problems": (*seen.problems, *registered.problems),
        "scheduler": standing(seen.scheduler) if seen.scheduler else "",
        "outcome": outcome,
        "age": lambda when: age(when, seen.read_at),
        "moment": moment,
        "number": number,
        "mlflow": links.mlflow,
    }
    return render("dashboard.html", values)


def part(seen: Overview, registered: Registered, links: Links, task: str) -> TaskPart:
    """Arrange what is known of one task."""
    looks = seen.looks[task]
    serving = registered.tasks.get(task, Serving())
    qualities = quality_chart.windows(looks)
    found = drift_map.grid(looks)
    newest = looks[0] if looks else None
    champion = serving.champion
    return TaskPart(
        name=task,
        question=seen.questions.get(task, "No task of this data set asks this any more."),
        serving=serving,
        promoted=seen.promoted.get(task),
        run=links.run(serving.experiments, task, champion.run_id if champion else None),
        newest=newest,
        tone=tone(newest),
        report=links.report(newest, newest.report_html) if newest else "",
        judged=newest.judged if newest else None,
        qualities=qualities,
        quality_chart=quality_chart.chart(qualities, task),
        grid=found,
        drift_map=drift_map.chart(found, task) if found else None,
        alarms=alarms(looks, serving, links),
        job=next((job for job in seen.jobs if job.task == task), None),
    )


def alarms(looks: Sequence[Look], serving: Serving, links: Links) -> tuple[Alarm, ...]:
    """The newest looks that somebody should read, with where to read on."""
    told = [look for look in looks if look.verdict != "ignore"][:MOST_ALARMS]
    return tuple(
        Alarm(
            look=look,
            tone=tone(look),
            pages=pages(look, links),
            run=links.run(serving.experiments, monitoring(look.task), look.run_id),
        )
        for look in told
    )


def pages(look: Look, links: Links) -> dict[str, str]:
    """Evidently's pages of a look that are there, by what a reader calls them."""
    named = {
        "Evidently's report": look.report_html,
        "performance": look.performance_html,
        **{f"performance of {segment_of(name)}": name for name in look.segment_htmls},
    }
    found = {words: links.report(look, name) for words, name in named.items()}
    return {words: address for words, address in found.items() if address}


def tone(look: Look | None) -> str:
    """The class of a verdict; of an unknown one, that of something to look at."""
    return TONES.get(look.verdict, "warn") if look else "quiet"


def moment(when: datetime | str | None) -> str:
    """A time to the minute; of a text that is none, the text."""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            return str(when)
    return UNKNOWN if when is None else f"{when:%Y-%m-%d %H:%M}"


def age(when: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says something."""
    if when is None:
        return UNKNOWN
    passed = now - when
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)),
                         ("minute", timedelta(minutes=1))):  # fmt: skip
        if passed >= 2 * length:
            return f"{passed // length} {unit}s ago"
    return "just now" if passed >= -timedelta(minutes=1) else "in the future"


def number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"
