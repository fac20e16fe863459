"""How well a text stands out from its ground, as WCAG 2 measures it."""

from __future__ import annotations

LEAST = 4.5  # level AA

# The colours as they are painted: of an element's text, or a drawing's fill, and the first ground
# below it.
COLOURS = """
element => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  let below = element;
  while (below && (numbers(getComputedStyle(below).backgroundColor)[3] ?? 1) === 0)
    below = below.parentElement;
  const ground = getComputedStyle(below ?? document.body).backgroundColor;
  const style = getComputedStyle(element);
  return [numbers(element.closest("svg") ? style.fill : style.color), numbers(ground)];
}
"""


def contrast(ink: list[float], ground: list[float]) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(ink), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: list[float]) -> float:
    """Of red, green and blue from 0 to 255; what follows them is left out."""
    parts = [c / 255 for c in colour[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
