"""A file of segments: who is grouped how, as somebody wrote it. What the words mean comes later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError, model_validator

from lifecycle.dataset import Spec, explain, read_toml
from lifecycle.errors import DataError, UsageError
from lifecycle.home import Home

SHIPPED = Path(__file__).with_name("onboarding.toml")
OTHERWISE = "otherwise"

# Part of a column's name: Feast drops columns that end in `_y` from its join.
Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=48)
]  # fmt: skip


class Group(Spec):
    """One segment, stage or class of customers."""

    label: str = ""
    description: str = ""
    rule: str = Field(min_length=1)


class Limits(Spec):
    """What is too small to be acted on."""

    least_customers: int = Field(default=30, ge=0)
    least_share: float = Field(default=0.01, ge=0, le=1)


class Rfm(Spec):
    """What is scored, and what the scores are called together."""

    recency: str
    frequency: str
    monetary: str | None = None
    names: dict[Name, Group] = Field(default_factory=dict)


class SegmentsFile(Spec):
    """A file as it was written."""

    limits: Limits = Limits()
    words: dict[str, str] = Field(default_factory=dict)
    segments: dict[Name, Group] = Field(default_factory=dict)
    lifecycle: dict[Name, Group] = Field(default_factory=dict)
    rfm: Rfm | None = None

    @model_validator(mode="after")
    def _first_match_wins(self) -> SegmentsFile:
        for table, groups in self.ordered().items():
            rules = [group.rule for group in groups.values()]
            if rules and (rules[-1] != OTHERWISE or OTHERWISE in rules[:-1]):
                message = f"{table}: the last one, and no other, has the rule {OTHERWISE!r}"
                raise ValueError(message)
        for name, group in self.segments.items():
            if name.endswith("_y") or group.rule == OTHERWISE:
                message = f"segments.{name}: no name ends in '_y' and no rule is {OTHERWISE!r}"
                raise ValueError(message)
        return self

    def ordered(self) -> dict[str, dict[str, Group]]:
        """The tables of which each customer is in exactly one group."""
        return {"lifecycle": self.lifecycle, "rfm.names": self.rfm.names if self.rfm else {}}


def segments_file(home: Home) -> Path:
    """The home's own file, or the shipped one where it has none."""
    return home.segments_file if home.segments_file.exists() else SHIPPED


def read_file(path: Path) -> SegmentsFile:
    """Read a file of segments.

    Raises:
        UsageError: no such file, or not TOML.
        DataError: a value is missing or wrong; every fault is named at once.
    """
    if not path.is_file():
        raise UsageError(f"No file of segments {path}.", do="Name a TOML file of your own.")
    try:
        return SegmentsFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise DataError(
            f"{path} does not describe segments.",
            found=explain(error),
            do="docs/segments.md has every key.",
        ) from error
