"""What the scheduler has done and does next, in one file that anybody may read meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from lifecycle import strict_json
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.worker import alive

KEPT = ConfigDict(extra="ignore")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a run has come.

    Attributes:
        since: what was due up to then is done or under way.
        step: the one under way, or to be tried again; None: the run is over.
        again: from when on it may be; None: it is under way.
        attempts: of that step, the one under way among them.
        began_at, ended_at: of the last run.
        exit_code: of the last step that ended.
        said: the last that it said, where it failed.
        succeeded_at: when a run last ended without a failure.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    name: str
    since: AwareDatetime
    step: int | None = None
    again: AwareDatetime | None = None
    attempts: int = 0
    began_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    exit_code: int | None = None
    said: str = ""
    succeeded_at: AwareDatetime | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """The scheduler's own file.

    Attributes:
        worker: who it is, so that another process can see whether it lives.
        beat_at: when it last said so.
        doing: the words of the call under way; empty: it waits.
        stopped: it said that it ends.
        marks: by run.
        next_at: when each run has something to do next.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KEPT
    worker: str
    started_at: AwareDatetime
    beat_at: AwareDatetime
    doing: str = ""
    stopped: bool = False
    marks: Mapping[str, Mark]
    next_at: Mapping[str, AwareDatetime]

    @property
    def running(self) -> bool:
        """Whether the scheduler lives; of one on another machine, whether it said that it ended."""
        if self.stopped:
            return False
        seen = alive(self.worker)
        return True if seen is None else seen


READER: TypeAdapter[State] = TypeAdapter(State)


def read_state(home: Home) -> State | None:
    """The state, or None where no scheduler ever ran.

    Raises:
        DataError: the file is not one of ours.
    """
    file = home.scheduler_file
    try:
        return READER.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        found = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
        raise DataError(
            f"{file} cannot be read.",
            found=f"{found}.",
            do="The next `onramp scheduler` begins it anew, and makes up for nothing.",
        ) from error


def write_state(home: Home, state: State) -> None:
    strict_json.write(home.scheduler_file, state)
