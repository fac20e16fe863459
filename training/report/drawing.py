"""Figures as bytes: PNG for MLflow, a source for a page that holds everything, one sheet of many.

SVG is sharp at every size and quicker to write than PNG, but it grows with every point that is
drawn; a picture of thousands of points goes into the page as PNG.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from training.report.section import Section

DOTS = 100  # an inch
WIDE = 8.0  # inches: wider figures hold several pictures beside each other
HEAVY = 150_000  # bytes from which on an SVG gives way to PNG …
HEAVY_PAGE = 1_800_000  # … and what all SVG of a page may take together
MOST_POINTS = 2_000  # of a scatter: with more, SVG is not even tried
MOST_ON_SHEET = 12
SHEET_COLUMNS = 3
MARGIN = 16  # dots
HEADING = 60  # dots
# the same figure is the same bytes: no date, and names made of content instead of chance;
# and a $ in somebody's column is a $ and no formula
STILL: dict[Any, Any] = {"svg.hashsalt": "onramp", "text.parse_math": False}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One drawn figure.

    Attributes:
        section, name: safe as file names.
        alt: what it shows, for those who cannot see it.
        png: on white.
        svg: without a background, so that it takes that of the page; None where it is too heavy.
        wide: whether it needs the page's whole width to be read.
    """

    section: str
    name: str
    alt: str
    png: bytes
    svg: bytes | None
    wide: bool = False

    @property
    def file(self) -> str:
        return f"{self.section}-{self.name}.png"

    @property
    def source(self) -> str:
        """What an <img> shows, held in the page itself."""
        kind, held = ("svg+xml", self.svg) if self.svg is not None else ("png", self.png)
        return f"data:image/{kind};base64,{base64.b64encode(held).decode()}"


def draw(sections: Sequence[Section]) -> tuple[Picture, ...]:
    """Every figure of the sections, in their order; each is drawn once in either format."""
    figures = [(one.name, name, figure) for one in sections for name, figure in one.figures]
    heavy = min(HEAVY, HEAVY_PAGE // max(1, len(figures)))
    return tuple(picture(*figure, heavy=heavy) for figure in figures)


def picture(section: str, name: str, figure: Figure, heavy: int = HEAVY) -> Picture:
    svg = b""
    if points(figure) <= MOST_POINTS:
        svg = written(figure, "svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return Picture(
        section=section,
        name=name,
        alt=titled(figure) or name.replace("_", " "),
        png=written(figure, "png", dpi=DOTS, facecolor="white"),
        svg=svg if 0 < len(svg) <= heavy else None,
        wide=figure.get_figwidth() > WIDE,
    )


def points(figure: Figure) -> int:
    """How many marks its scatters have: each is an element of an SVG."""
    return sum(int(np.shape(one.get_offsets())[0]) for ax in figure.axes for one in ax.collections)


def titled(figure: Figure) -> str:
    """The figure's own words."""
    titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
    return "; ".join(dict.fromkeys(title for title in titles if title))


def written(figure: Figure, kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with mpl.rc_context(STILL), warnings.catch_warnings():
        # letters that the font lacks become boxes, and the tables beside have them
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(held, format=kind, **options)
    return held.getvalue()


def sheet(title: str, pictures: Sequence[Picture]) -> bytes:
    """The most telling pictures on one PNG: the first of each section, then more of the first.

    Pixels are set down as they are, so that nothing is drawn twice.
    """
    pixels = [imread(io.BytesIO(one.png), format="png") for one in telling(pictures)]
    rows = [pixels[i : i + SHEET_COLUMNS] for i in range(0, len(pixels), SHEET_COLUMNS)]
    wide = max((sum(p.shape[1] + MARGIN for p in row) for row in rows), default=DOTS * 6) + MARGIN
    heights = [max(p.shape[0] for p in row) + MARGIN for row in rows]
    high = HEADING + sum(heights) + MARGIN
    figure = Figure(figsize=(wide / DOTS, high / DOTS), dpi=DOTS)
    figure.text(MARGIN / wide, 1 - HEADING / 2 / high, title, size=16, va="center", weight="bold")
    below = high - HEADING
    for row, tall in zip(rows, heights, strict=True):
        left = MARGIN
        for one in row:
            figure.figimage(one, left, below - one.shape[0])
            left += one.shape[1] + MARGIN
        below -= tall
    return written(figure, "png", dpi=DOTS, facecolor="white")


def telling(pictures: Sequence[Picture]) -> list[Picture]:
    """At most twelve, in their order."""
    firsts = {one.section: place for place, one in reversed(list(enumerate(pictures)))}
    wanted = sorted(firsts.values())
    wanted += [place for place in range(len(pictures)) if place not in wanted]
    return [pictures[place] for place in sorted(wanted[:MOST_ON_SHEET])]


def by_section(pictures: Iterable[Picture]) -> Mapping[str, list[Picture]]:
    """Section → its pictures."""
    found: dict[str, list[Picture]] = {}
    for one in pictures:
        found.setdefault(one.section, []).append(one)
    return found
