"""One look at a task's window, as `onramp monitor` left it in `window.json`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from lifecycle.errors import DataError

WINDOW_JSON = "window.json"
LARGEST = 32 * 2**20
LONG_AGO = datetime.min.replace(tzinfo=UTC)
KEPT = ConfigDict(extra="ignore", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One comparison of a column with the reference; `effect` is 0 to 1."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    column: str
    what: str = "values"
    effect: float | None = None
    outcome: str = "could not tell"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The time `start < t <= end`."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    start: AwareDatetime
    end: AwareDatetime


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How good the answers of one ripened window were, with a 95 % interval."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    span: Stretch
    metric: str
    version: int
    labelled: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    outcome: str = "could not tell"
    set_aside: str = ""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is expected of a window before its labels ripen."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    metric: str
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One thing that is wrong with the data."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    words: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """False alarms a month that one kind of alarm is expected to raise, and its upper limit."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    alarm: str
    a_month: float
    at_most: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the verdict rests on."""

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    rows: int = 0
    due: int = 0
    drift: tuple[Moved, ...] = ()
    performance: tuple[Quality, ...] = ()
    broken: tuple[Broken, ...] = ()
    estimated: Expected | None = None


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look.

    Attributes:
        as_of: the window's end.
        folder: where its files lie.
        looked_at: when it was written down.
        report_html, performance_html, segment_htmls: Evidently's, by their names in the folder.
        report_problem: why there is no report.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    task: str
    as_of: AwareDatetime
    version: int
    verdict: str
    reasons: tuple[str, ...] = ()
    evidence: Seen = field(default_factory=Seen)
    budgets: tuple[Cost, ...] = ()
    run_id: str | None = None
    job_id: str | None = None
    report_html: str | None = None
    performance_html: str | None = None
    segment_htmls: tuple[str, ...] = ()
    report_problem: str = ""
    folder: Path = Path()
    looked_at: datetime = LONG_AGO

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that moved, each once."""
        return tuple(dict.fromkeys(m.column for m in self.evidence.drift if m.outcome == "drifted"))

    @property
    def judged(self) -> Quality | None:
        """The newest ripened window that could be judged."""
        judged = (q for q in self.evidence.performance if q.outcome != "could not tell")
        return next(judged, None)


READER: TypeAdapter[Look] = TypeAdapter(Look)


def read_look(file: Path, task: str) -> Look:
    """Read one file, which lies in the folder of this task.

    Raises:
        DataError: it is missing, or not what `onramp monitor` writes.
    """
    try:
        facts = file.stat()
        look = READER.validate_json(bounded(file, facts.st_size))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read.", found=f"{first(error)}.") from error
    if look.task != task:
        raise DataError(f"{file} cannot be read.", found=f"It is about {look.task!r}.")
    looked_at = datetime.fromtimestamp(facts.st_mtime, UTC)
    return replace(look, folder=file.parent, looked_at=looked_at)


def bounded(file: Path, size: int) -> bytes:
    """The bytes of a file that is not too large to be what it should be."""
    if size > LARGEST:
        raise ValueError(f"it has {size:,} bytes")
    return file.read_bytes()


def first(error: OSError | ValueError) -> str:
    """What is wrong, in a few words; of many things the first."""
    if isinstance(error, ValidationError):
        one = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in one["loc"])
        return f"{where}: {one['msg']}" if where else one["msg"]
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)


def read_looks(reports: Path, task: str, most: int) -> tuple[tuple[Look, ...], tuple[str, ...]]:
    """The newest looks at a task, newest first, and what is wrong with the unreadable ones.

    Their folders are named by the window's end, so that the newest are known without reading any.
    One without its file is a look under way, or one that was killed: the next clears it away.
    """
    files = sorted((reports / task).glob(f"*/{WINDOW_JSON}"), reverse=True)
    looks: list[Look] = []
    problems: list[str] = []
    for file in files[:most]:
        try:
            looks.append(read_look(file, task))
        except DataError as error:
            problems.append(str(error))
    return tuple(sorted(looks, key=lambda look: look.as_of, reverse=True)), tuple(problems)
