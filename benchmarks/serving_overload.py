"""Ten times what a server can do, and whether it is itself again afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

TIMES = 10
INSIDE = 64  # connections that keep the server as busy as it lets itself be
CALM = 8  # connections before and after
ROOM = 1_500  # connections of an open loop: enough to have every due request under way

Asking = Callable[..., dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Storm:
    """How ten times the load is offered.

    Attributes:
        open: requests fall due at ten times the sustainable rate, whether answers come or not;
            else ten times the connections ask again at once, whatever `Retry-After` says.
    """

    what: str
    size: int
    open: bool


STORMS = (
    Storm(what="rows", size=1, open=False),
    Storm(what="customers", size=1, open=False),
    Storm(what="customers", size=100, open=True),
)


def overload(storm: Storm, ask: Asking, seconds: float) -> dict[str, Any]:
    """Before, at the limit, ten times that, and right after.

    Args:
        storm: what is offered.
        ask: one measured load: connections, seconds, rate.
        seconds: of each part.

    Returns:
        One line for the results: what was seen in each part.
    """
    before = ask(connections=CALM, seconds=seconds)
    limit = ask(connections=INSIDE, seconds=seconds)
    if storm.open:
        rate = TIMES * limit["rate"]
        tenfold = ask(connections=ROOM, seconds=seconds, rate=rate)
    else:
        tenfold = ask(connections=TIMES * INSIDE, seconds=seconds)
    after = ask(connections=CALM, seconds=seconds)
    return {
        "kind": "overload", "what": storm.what, "size": storm.size, "open": storm.open,
        "before": before, "limit": limit, "tenfold": tenfold, "after": after,
    }  # fmt: skip
