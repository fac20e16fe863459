"""Text with fields of a user's profile in it: `Your {plan|new} account` → `Your pro account`.

Each field has the words that stand in its place where nothing is known, so that a text reads well
to whoever it is shown. What a user's profile holds is somebody else's text: it is cut, cleaned of
what is no text, and escaped wherever HTML is made of it.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from features.catalogue import slug
from lifecycle.dataset import Column
from lifecycle.prediction import FeatureValue

LONGEST_VALUE = 80
FIELD = re.compile(r"\{(?P<name>[a-z][a-z0-9_]*)\|(?P<fallback>[^{}|]*)\}")
PREFIX = "profile_"  # of the features that a profile's columns are

# Control and format characters turn text around, hide it or break a line; unassigned are no text.
NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
JOINERS = frozenset("\u200c\u200d")  # without which Persian and Hindi are misspelt


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Words as they are, or a field and the words for where it is missing."""

    words: str
    field: str | None = None


Template = tuple[Piece, ...]


@lru_cache(maxsize=1_000)
def template(text: str) -> Template:
    """The text in pieces.

    Raises:
        ValueError: a brace that is no field, or a field without fallback words.
    """
    return tuple(pieces(text))


def pieces(text: str) -> Iterator[Piece]:
    at = 0
    for found in FIELD.finditer(text):
        yield Piece(words=plain(text[at : found.start()]))
        yield Piece(words=found["fallback"], field=found["name"])
        at = found.end()
    yield Piece(words=plain(text[at:]))


def plain(words: str) -> str:
    """The words between fields.

    Raises:
        ValueError: a brace among them.
    """
    if "{" in words or "}" in words:
        message = f"write a field with its fallback, as {{plan|your plan}}; found {words.strip()!r}"
        raise ValueError(message)
    return words


def fill(made: Template, fields: Mapping[str, str]) -> tuple[str, str]:
    """The text for one user: as plain text, and as HTML in which nothing but text can be."""
    words = [fields.get(piece.field or "") or piece.words for piece in made]
    text = "".join(words)
    return text, html.escape(text, quote=True)


def fields_of(
    features: Mapping[str, FeatureValue], profile: Mapping[str, Column]
) -> Mapping[str, str]:
    """The user's own profile in words, by column's name as features have it; no empty ones."""
    found = {
        slug(name): in_words(features.get(f"{PREFIX}{slug(name)}"), column)
        for name, column in profile.items()
    }
    return {name: words for name, words in found.items() if words}


def in_words(value: FeatureValue, column: Column) -> str:
    """A value as people write it; empty when there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if column.type == "boolean":
        return "yes" if value else "no"
    if isinstance(value, str):
        return cleaned(value)
    return f"{float(value):,.12g}"


def cleaned(text: str) -> str:
    """Text without what is none, on one line, cut to what a sentence can hold."""
    kept = "".join(c if is_text(c) else " " for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1].rstrip()}…"


def is_text(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) not in NO_TEXT
