"""The content table: what is shown for a content type, and how a user is welcomed.

Its order is what a stranger is shown. A home with a `content.toml` of its own takes that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator

from lifecycle.dataset import Spec, explain, read_toml
from lifecycle.errors import DataError
from lifecycle.home import Home
from serving.bands import Band
from serving.content_fields import Template, template

TABLE = Path(__file__).with_name("content.toml")


class Content(Spec):
    """One content type as a person sees it."""

    type: str
    title: str
    text: str = ""


class Welcome(Spec):
    """A welcome for whoever all of its conditions hold for; one without any is for everybody.

    Attributes:
        text: may hold fields of the user's profile, each with the words for where it is missing.
    """

    band: Band | None = None
    stage: str | None = None
    segment: str | None = None
    text: str = Field(min_length=1, max_length=2_000)

    @field_validator("text")
    @classmethod
    def _fields_have_fallbacks(cls, text: str) -> str:
        template(text)
        return text

    @property
    def template(self) -> Template:
        return template(self.text)

    def meant_for(self, band: str | None, stage: str | None, segments: Sequence[str]) -> bool:
        """Whether every condition holds."""
        return (
            self.band in {None, band}
            and self.stage in {None, stage}
            and (self.segment is None or self.segment in segments)
        )


class ContentTable(Spec):
    """A content table as it was written.

    Attributes:
        welcome: the first one that is meant for a user is taken; the last is for everybody.
    """

    content: tuple[Content, ...]
    welcome: tuple[Welcome, ...] = (Welcome(text="Welcome."),)

    @model_validator(mode="after")
    def _somebody_is_always_welcome(self) -> ContentTable:
        last = self.welcome[-1] if self.welcome else None
        if last is None or not last.meant_for(None, None, ()):
            message = "welcome: the last one has no condition, so that everybody has a welcome"
            raise ValueError(message)
        types = [row.type for row in self.content]
        if doubles := sorted({name for name in types if types.count(name) > 1}):
            message = f"content: more than one row for {', '.join(doubles)}"
            raise ValueError(message)
        return self


def read_table(path: Path = TABLE) -> ContentTable:
    """Read a content table.

    Raises:
        UsageError: no such file, or not TOML.
        DataError: a value is missing or wrong; every fault is named at once.
    """
    try:
        return ContentTable.model_validate(read_toml(path))
    except ValidationError as error:
        raise DataError(
            f"{path} is no content table.",
            found=explain(error),
            do="docs/serving.md has every key.",
        ) from error


def table_of(home: Home) -> ContentTable:
    """The home's own table, or the shipped one where it has none; raises as `read_table`."""
    return read_table(home.content_file if home.content_file.exists() else TABLE)


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
