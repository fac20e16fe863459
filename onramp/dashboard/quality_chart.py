"""Quality over time: each ripened window's metric with its interval, and what was approved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from onramp.dashboard.svg import Scale, days, element, shown, spread, svg, text, title
from onramp.overview.look import Look, Quality, Stretch

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 628, 14, 206
MOST_DATES, TICKS = 6, 4
MARK = 5.0


@dataclass(frozen=True, kw_only=True)
class Point:
    """A window that could be measured, with numbers where they may be missing."""

    quality: Quality
    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        q = self.quality
        return (
            f"{q.span.start:%Y-%m-%d} to {q.span.end:%Y-%m-%d}: {q.metric} {self.value:.3f} "
            f"({self.low:.3f} to {self.high:.3f}), version {q.version}, {q.outcome}"
        )


def windows(looks: Iterable[Look]) -> tuple[Quality, ...]:
    """Ripened windows, oldest first, as the newest look saw them.

    Labels come late, and two looks cut windows that differ by the time between them: a window is
    overtaken where a newer look's covers its middle. By count, a day can hold many.
    """
    found: list[Quality] = []
    for look in looks:  # newest first
        found += [q for q in look.evidence.performance if not overtaken(q.span, found)]
    return tuple(sorted(found, key=lambda quality: quality.span.end))


def overtaken(span: Stretch, newer: Sequence[Quality]) -> bool:
    """Whether a newer look speaks of this time."""
    middle = span.start + (span.end - span.start) / 2
    return any(one.span.start < middle <= one.span.end for one in newer)


def points(qualities: Sequence[Quality]) -> tuple[Point, ...]:
    """Those that have a value; without an interval it is the value alone."""
    return tuple(
        Point(
            quality=q,
            value=q.value,
            low=q.value if q.low is None else q.low,
            high=q.value if q.high is None else q.high,
        )
        for q in qualities
        if q.value is not None
    )


def chart(qualities: Sequence[Quality], task: str) -> Markup | None:
    """The drawing, or None where nothing could be measured yet."""
    drawn = points(qualities)
    if not drawn:
        return None
    approved = [q.baseline for q in qualities if q.baseline is not None]
    low, high = spread([*(p.low for p in drawn), *(p.high for p in drawn), *approved])
    ends = [p.quality.span.end.timestamp() for p in drawn]
    air = max((ends[-1] - ends[0]) * 0.04, 3600.0)
    across = Scale(low=ends[0] - air, high=ends[-1] + air, start=LEFT, end=RIGHT)
    up = Scale(low=low, high=high, start=BOTTOM, end=TOP)
    label = f"{drawn[-1].quality.metric} of {task} over time, newest {drawn[-1].words}"
    content = [*grid(up), *dates(drawn, across), *bars(drawn, across, up)]
    return svg([*content, *baseline(drawn, across, up)], WIDTH, HEIGHT, label)


def grid(up: Scale) -> Iterator[Markup]:
    """Lines across, with their values."""
    for n in range(TICKS + 1):
        value = up.low + (up.high - up.low) * n / TICKS
        y = up(value)
        yield element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid")
        yield text(f"{value:.2f}", LEFT - 6, y + 4, "tick", "end")


def dates(drawn: Sequence[Point], across: Scale) -> Iterator[Markup]:
    """When the windows end."""
    for when in days([p.quality.span.end for p in drawn], MOST_DATES):
        x = min(max(across(when.timestamp()), LEFT + 30), RIGHT - 34)
        yield text(f"{when:%Y-%m-%d}", x, BOTTOM + 20, "tick", "middle")


def bars(drawn: Sequence[Point], across: Scale, up: Scale) -> Iterator[Markup]:
    """The line, the intervals and the values; a shape tells the outcome as well as a colour."""
    places = [(across(p.quality.span.end.timestamp()), p) for p in drawn]
    path = " ".join(f"{shown(x)},{shown(up(p.value))}" for x, p in places)
    yield element("polyline", points=path, class_="line")
    for x, point in places:
        whisker = element("line", x1=x, x2=x, y1=up(point.low), y2=up(point.high), class_="whisker")
        yield element("g", [title(point.words), whisker, mark(x, up(point.value), point.quality)],
                      class_=kind(point.quality))  # fmt: skip


def kind(quality: Quality) -> str:
    """The class of an outcome; of an unknown one, that of *could not tell*."""
    return {"fine": "fine", "decayed": "decayed"}.get(quality.outcome, "untold")


def mark(x: float, y: float, quality: Quality) -> Markup:
    """A circle; a square where the window fell short."""
    if kind(quality) == "decayed":
        return element("rect", x=x - MARK, y=y - MARK, width=2 * MARK, height=2 * MARK)
    return element("circle", cx=x, cy=y, r=MARK)


def baseline(drawn: Sequence[Point], across: Scale, up: Scale) -> Iterator[Markup]:
    """What each version was approved for: a step where another took over."""
    half = (across(drawn[-1].quality.span.end.timestamp()) - LEFT) / (2 * len(drawn))
    for point in drawn:
        approved = point.quality.baseline
        if approved is None:
            continue
        x = across(point.quality.span.end.timestamp())
        words = title(f"version {point.quality.version} was approved at {approved:.3f}")
        yield element("line", [words], x1=max(x - half, LEFT), x2=min(x + half, RIGHT),
                      y1=up(approved), y2=up(approved), class_="approved")  # fmt: skip
