"""When each verb that a schedule calls last ended, and how: whoever called it, and from where.

One small file a verb. Of two that end at once the later one stands, which is what is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lifecycle import strict_json
from lifecycle.errors import NO_FAILURE, DataError
from lifecycle.home import Home


@dataclass(frozen=True, kw_only=True)
class VerbRun:
    """The last run of one verb.

    Attributes:
        ended_at: when it ended, however it did.
        seconds: it took, on the wall.
        succeeded_at: when one last ended without a failure; None: none did so far.
    """

    verb: str
    ended_at: datetime
    exit_code: int
    seconds: float
    succeeded_at: datetime | None = None


def record(home: Home, verb: str, *, exit_code: int, seconds: float) -> VerbRun:
    """Write down that the verb has just ended."""
    file = home.verbs / f"{verb}.json"
    now = datetime.now(UTC)
    try:
        before = read_one(file).succeeded_at
    except (DataError, FileNotFoundError):  # a damaged one is mended by writing it anew
        before = None
    run = VerbRun(
        verb=verb, ended_at=now, exit_code=exit_code, seconds=seconds,
        succeeded_at=now if exit_code in NO_FAILURE else before,
    )  # fmt: skip
    strict_json.write(file, run)
    return run


def read(home: Home) -> tuple[tuple[VerbRun, ...], tuple[str, ...]]:
    """The runs by verb, and what is wrong with files that cannot be read."""
    runs: list[VerbRun] = []
    problems: list[str] = []
    for file in sorted(home.verbs.glob("*.json")):
        try:
            runs.append(read_one(file))
        except FileNotFoundError:  # gone since it was listed
            continue
        except DataError as error:
            problems.append(str(error))
    return tuple(runs), tuple(problems)


def read_one(file: Path) -> VerbRun:
    """One file.

    Raises:
        FileNotFoundError: there is none.
        DataError: it is not what `record` writes.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        succeeded = found["succeeded_at"]
        run = VerbRun(
            verb=file.stem,
            ended_at=aware(found["ended_at"]),
            exit_code=int(found["exit_code"]),
            seconds=float(found["seconds"]),
            succeeded_at=None if succeeded is None else aware(succeeded),
        )
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{file} cannot be read.",
            found=f"{type(error).__name__}: {error}.",
            do=f"The next `onramp {file.stem}` writes it anew.",
        ) from error
    return run


def aware(text: str) -> datetime:
    """A time with its zone; one without is UTC."""
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
