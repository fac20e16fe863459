"""What a schedule calls leaves word of its end, and fresh metrics, whoever calls it.

Cron, a systemd timer, Airflow, a person and `onramp scheduler` all start the same verbs, so it is
the verbs that write: nothing else sees every one of them end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING

from lifecycle.errors import OnrampError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onramp.options import Place

UNFORESEEN = 1

log = logging.getLogger("onramp.recorded")


def recorded(verb: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Give a verb its record; it stands below `common`, which hands it the place."""

    def around(function: Callable[..., int | None]) -> Callable[..., int | None]:
        @wraps(function)
        def ran(place: Place, **rest: object) -> int | None:
            with ending(place, verb) as end:
                code = function(place, **rest)
                end.append(code or 0)
            return code

        return ran

    return around


@contextmanager
def ending(place: Place, verb: str) -> Iterator[list[int]]:
    """Write down how the block ended; it adds its exit code, or raises."""
    began, codes = time.monotonic(), [UNFORESEEN]
    try:
        yield codes
    except OnrampError as error:
        codes.append(error.exit_code)
        raise
    finally:
        write(place, verb, codes[-1], time.monotonic() - began)


def write(place: Place, verb: str, code: int, seconds: float) -> None:
    """The record and the metrics. What goes wrong here never changes how the verb ended."""
    if not place.home.dataset_file.exists():  # a mistyped home stays a folder that is not there
        return
    from lifecycle import verb_runs  # noqa: PLC0415  `--help` needs none of it
    from onramp.exposition import write_textfile  # noqa: PLC0415

    try:
        verb_runs.record(place.home, verb, exit_code=code, seconds=seconds)
        write_textfile(place.home)
    except (OSError, OnrampError) as error:
        log.warning("The end of %s could not be written down: %s", verb, error)
