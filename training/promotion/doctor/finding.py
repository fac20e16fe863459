"""What the doctor finds: plain values, and beside each the way to mend it where one is safe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One inconsistency.

    Attributes:
        check: which of the checks found it.
        task: the task it is about; empty when it is about the home.
        version: the version it is about, if it is about one.
        what: what is wrong.
        found: what was seen.
        do: what a person can do where `mend` is empty or they will not have it done.
        mend: what `--mend` does about it; empty: nothing, for it would have to guess.
    """

    check: str
    task: str = ""
    version: int | None = None
    what: str
    found: str
    do: str
    mend: str = ""

    @property
    def key(self) -> tuple[str, str, int | None]:
        """By which it is known again when the doctor looks a second time."""
        return self.check, self.task, self.version

    def lines(self) -> list[str]:
        """What a person reads."""
        told = [f"{self.check}: {self.what}", f"  found: {self.found}"]
        if self.mend:
            told.append(f"  mend:  {self.mend}")
        return [*told, f"  do:    {self.do}"]


@dataclass(frozen=True, kw_only=True)
class Ailment:
    """A finding with its cure.

    Attributes:
        cure: does what `finding.mend` says, whatever it returns; None where that is empty.
    """

    finding: Finding
    cure: Callable[[], object] | None = None


@dataclass(frozen=True, kw_only=True)
class DoctorReport:
    """What came of an examination.

    Attributes:
        mended: what is no longer wrong, in the order it was mended.
        left: what is.
        tasks: whose stores were examined.
        versions: how many versions' files were held against what was registered.
    """

    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]
    tasks: tuple[str, ...]
    versions: int

    def lines(self) -> list[str]:
        """What a person reads."""
        tasks = ", ".join(self.tasks) or "no task"
        looked = f"Examined {tasks}: {self.versions} versions and every store."
        if not self.mended and not self.left:
            return [looked, "Nothing is wrong."]
        told = [looked]
        for finding in self.mended:
            told += ["", f"mended: {finding.what}", f"  found: {finding.found}"]
            told.append(f"  did:   {finding.mend}")
        for finding in self.left:
            told += ["", *finding.lines()]
        if any(finding.mend for finding in self.left):
            told += ["", "`onramp doctor --mend` does what is said under mend."]
        return told
