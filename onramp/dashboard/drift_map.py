"""Drift by feature over windows, as a heat map: how far each column moved, and where it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from onramp.dashboard.svg import days, element, svg, text, title
from onramp.overview.look import Look, Moved

MOST_COLUMNS = 30
CELL, ROW, NAMES, HEAD = 26, 20, 230, 26
MOST_DATES = 6
LONGEST_NAME = 32
FULL = 0.5  # an effect of this size, or more, has the darkest colour
PALEST = 0.06


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One column in one window; `effect` is the largest of its comparisons."""

    effect: float | None
    drifted: bool
    words: str


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Columns, the most moved first, by windows, oldest first.

    Attributes:
        left_out: columns that moved less than those that are shown.
    """

    windows: tuple[datetime, ...]
    rows: Mapping[str, tuple[Cell | None, ...]]
    left_out: int


def grid(looks: Sequence[Look]) -> Grid | None:
    """Arrange what the looks found; None where nothing was compared."""
    ordered = sorted(looks, key=lambda look: look.as_of)
    by_window = [cells(look) for look in ordered]
    worst: dict[str, tuple[bool, float]] = {}
    for found in by_window:
        for column, cell in found.items():
            rank = (cell.drifted, cell.effect or 0.0)
            worst[column] = max(worst.get(column, rank), rank)
    if not worst:
        return None
    names = sorted(worst, key=lambda name: (-worst[name][0], -worst[name][1], name))
    return Grid(
        windows=tuple(look.as_of for look in ordered),
        rows={name: tuple(found.get(name) for found in by_window) for name in names[:MOST_COLUMNS]},
        left_out=max(0, len(names) - MOST_COLUMNS),
    )


def cells(look: Look) -> dict[str, Cell]:
    """One cell a column, of all that was compared of it."""
    grouped: dict[str, list[Moved]] = {}
    for moved in look.evidence.drift:
        grouped.setdefault(moved.column, []).append(moved)
    return {column: cell(look, column, found) for column, found in grouped.items()}


def cell(look: Look, column: str, found: Sequence[Moved]) -> Cell:
    told = [m for m in found if m.outcome != "could not tell" and m.effect is not None]
    effects = [m.effect for m in told if m.effect is not None]
    drifted = any(m.outcome == "drifted" for m in told)
    parts = [f"{m.what} {m.effect:.2f}" for m in told]
    said = f"{', '.join(parts)}{', drifted' if drifted else ''}" if parts else "could not tell"
    return Cell(
        effect=max(effects, default=None), drifted=drifted,
        words=f"{column}, window to {look.as_of:%Y-%m-%d}: {said}",
    )  # fmt: skip


def chart(found: Grid, task: str) -> Markup:
    """The drawing. What drifted has a frame, so that no colour has to be told from another."""
    width = NAMES + CELL * len(found.windows) + 40
    height = HEAD + ROW * len(found.rows) + 4
    label = f"Drift of {len(found.rows)} columns of {task} over {len(found.windows)} windows"
    content = [*heads(found)]
    for place, (name, row) in enumerate(found.rows.items()):
        content += drawn_row(name, row, HEAD + ROW * place)
    return svg(content, width, height, label)


def heads(found: Grid) -> Iterator[Markup]:
    """When some of the windows end."""
    places = {when: NAMES + CELL * n + CELL / 2 for n, when in enumerate(found.windows)}
    most = max(1, min(MOST_DATES, len(found.windows) // 3 + 1))
    for when in days(list(places), most):
        yield text(f"{when:%m-%d}", places[when], HEAD - 8, "tick", "middle")


def drawn_row(name: str, row: Sequence[Cell | None], y: float) -> Iterator[Markup]:
    """A column's name and its cells."""
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    yield element("g", [title(name), text(short, NAMES - 8, y + 14, "name", "end")])
    for n, one in enumerate(row):
        place = {"x": NAMES + CELL * n + 1, "y": y + 1, "width": CELL - 2, "height": ROW - 2}
        if one is None or one.effect is None:
            words = one.words if one else f"{name}: not compared"
            yield element("rect", [title(words)], **place, class_="untold")
            continue
        heat = PALEST + (1 - PALEST) * min(one.effect / FULL, 1.0)
        yield element("rect", [title(one.words)], **place, fill_opacity=f"{heat:.2f}",
                      class_="heat drifted" if one.drifted else "heat")  # fmt: skip
