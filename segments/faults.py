"""What is wrong with a rule, and where: first in the rule, then told with its segment and file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from lifecycle.errors import DataError


class Fault(Exception):
    """A rule that cannot be read, before it is known whose rule it is.

    Attributes:
        start, end: characters of the rule, counted from 0; `end` is behind the last.
    """

    def __init__(self, what: str, *, start: int, end: int, do: str = "") -> None:
        super().__init__(what)
        self.what, self.do, self.start, self.end = what, do, start, end


class RuleError(DataError):
    """A rule that cannot be read: names the segment, the file and the place in the rule."""


class UnknownWord(RuleError):
    """A rule with a word that this data set has not."""


@dataclass(frozen=True)
class Place:
    """Whose rule it is, as an error says it: `Segment 'dormant' in …/segments.toml`."""

    owner: str
    file: str

    def error(self, fault: Fault, rule: str) -> RuleError:
        """The fault with its place: the character, and the rule with the words marked."""
        marked = f"{rule[: fault.start]}»{rule[fault.start : fault.end]}«{rule[fault.end :]}"
        kind = UnknownWord if isinstance(fault, Unknown) else RuleError
        return kind(
            fault.what,
            found=f"{self.owner} in {self.file}, character {fault.start + 1}: {marked}",
            do=fault.do,
        )


class Unknown(Fault):
    """A word that nothing has."""

    def __init__(self, what: str, name: str, known: Iterable[str], span: tuple[int, int]) -> None:
        near = get_close_matches(name, sorted(known), n=1)
        super().__init__(
            what,
            start=span[0],
            end=span[1],
            do=f"Did you mean {near[0]!r}?" if near else "`onramp segments words` has them all.",
        )
