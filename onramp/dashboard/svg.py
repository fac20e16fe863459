"""Drawings as inline SVG, by small functions: every text is escaped, every mark has a title.

Colours are classes of the page's style sheet, so that a drawing follows the reader's light or dark
scheme, and the page's policy need allow no inline style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

Number = float | int


def element(name: str, content: Iterable[Markup] = (), **attributes: str | Number) -> Markup:
    """One element; an attribute's name has `_` for `-`, and `class_` is `class`."""
    words = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), shown(value))
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), words, Markup("").join(content))  # noqa: S704  names are our own


def shown(value: str | Number) -> str:
    """A number with as many decimals as a screen has pixels."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text(words: str, x: Number, y: Number, class_: str = "", anchor: str = "start") -> Markup:
    return element("text", [escape(words)], x=x, y=y, class_=class_, text_anchor=anchor)


def title(words: str) -> Markup:
    return element("title", [escape(words)])


def svg(content: Iterable[Markup], width: Number, height: Number, label: str) -> Markup:
    """A drawing that a reader of screens hears as one picture with this label."""
    return element(
        "svg", content, viewBox=f"0 0 {shown(width)} {shown(height)}", width=width, height=height,
        role="img", aria_label=label,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Maps values onto pixels, in a straight line."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + share * (self.end - self.start)


def spread(values: Sequence[float], least: float = 0.02) -> tuple[float, float]:
    """The range of the values with a little air, never empty."""
    low, high = min(values), max(values)
    air = max((high - low) * 0.1, least)
    return low - air, high + air


def days(times: Sequence[datetime], most: int) -> list[datetime]:
    """A few of the times, evenly, the last among them: what an axis names."""
    every = -(-len(times) // most)
    return list(reversed(list(reversed(times))[::every]))
