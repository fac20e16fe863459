"""Figures as bytes: each drawn once, for MLflow, for a page that holds everything, and for a sheet.

PNG only: SVG beside it would be as much drawing again, and it grows with every point that is drawn.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.text import Text
from PIL import Image, ImageDraw, ImageFont

from training.report.section import Section

DOTS = 120  # an inch
WIDE = 8.0  # inches: wider figures hold several pictures beside each other
PACKED = {"compress_level": 3}  # a third of the time of 6, for a tenth more bytes
MOST_ON_SHEET = 12
SHEET_COLUMNS = 3
MARGIN = 16  # dots
HEADING, TITLE = 60, 27  # dots
PLAIN: dict[Any, Any] = {"text.parse_math": False}  # a $ in somebody's column is no formula


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One drawn figure.

    Attributes:
        section, name: safe as file names.
        alt: what it shows, for those who cannot see it.
        png: on white.
        wide: whether it needs the page's whole width to be read.
    """

    section: str
    name: str
    alt: str
    png: bytes
    wide: bool = False

    @property
    def file(self) -> str:
        return f"{self.section}-{self.name}.png"

    @property
    def source(self) -> str:
        """What an <img> shows, held in the page itself."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def draw(sections: Sequence[Section]) -> tuple[Picture, ...]:
    """Every figure of the sections, in their order."""
    return tuple(
        picture(one.name, name, figure) for one in sections for name, figure in one.figures
    )


def picture(section: str, name: str, figure: Figure) -> Picture:
    return Picture(
        section=section,
        name=name,
        alt=titled(figure) or name.replace("_", " "),
        png=written(figure),
        wide=figure.get_figwidth() > WIDE,
    )


def titled(figure: Figure) -> str:
    """The figure's own words."""
    titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
    return "; ".join(dict.fromkeys(title for title in titles if title))


def written(figure: Figure) -> bytes:
    held = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with mpl.rc_context(PLAIN), warnings.catch_warnings():
        # letters that the font lacks become boxes, and the tables beside have them
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(held, format="png", dpi=DOTS, facecolor="white", pil_kwargs=PACKED)
    return held.getvalue()


def sheet(title: str, pictures: Sequence[Picture]) -> bytes:
    """The most telling pictures on one PNG: the first of each section, then more of the first.

    Pixels are set down as they are, so that nothing is drawn twice.
    """
    images = [Image.open(io.BytesIO(one.png)).convert("RGB") for one in telling(pictures)]
    rows = [images[i : i + SHEET_COLUMNS] for i in range(0, len(images), SHEET_COLUMNS)]
    wide = max((sum(one.width + MARGIN for one in row) for row in rows), default=DOTS * 6) + MARGIN
    heights = [max(one.height for one in row) + MARGIN for row in rows]
    whole = Image.new("RGB", (wide, HEADING + sum(heights) + MARGIN), "white")
    bold = ImageFont.truetype(findfont(FontProperties(weight="bold")), size=TITLE)
    ImageDraw.Draw(whole).text((MARGIN, (HEADING - TITLE) // 2), title, fill="black", font=bold)
    top = HEADING
    for row, tall in zip(rows, heights, strict=True):
        left = MARGIN
        for one in row:
            whole.paste(one, (left, top))
            left += one.width + MARGIN
        top += tall
    held = io.BytesIO()
    whole.save(held, format="png", **PACKED)
    return held.getvalue()


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
