"""The content table: what is shown for a content type, and in which order to a stranger."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("content.toml")


@dataclass(frozen=True, kw_only=True)
class Content:
    """One content type as a person sees it."""

    type: str
    title: str
    text: str = ""


def read_content(path: Path = TABLE) -> tuple[Content, ...]:
    """The table's rows, in its order."""
    return tuple(Content(**row) for row in tomllib.loads(path.read_text("utf-8"))["content"])


def for_types(table: Sequence[Content], types: Sequence[str]) -> tuple[Content, ...]:
    """The table cut to the data set's content types; a type without a row is shown by its name.

    A data set without content types of its own gets the whole table.
    """
    if not types:
        return tuple(table)
    known = tuple(content for content in table if content.type in types)
    named = {content.type for content in known}
    rest = sorted(set(types) - named)
    return known + tuple(Content(type=name, title=spelt(name)) for name in rest)


def spelt(name: str) -> str:
    """`how_to_guide` → `How to guide`."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name
