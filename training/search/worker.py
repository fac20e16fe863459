"""A process that lends a hand: `python -m training.search.worker`.

Its standard input is a pipe from its leader. The first line names the folder of a search; it reads
that, follows the leader's orders on the shared board and ends with its leader: the pipe closes
when that process is gone, however it went. It listens to the pipe from its first moment; the
libraries take seconds to load.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.search.storage import WriteLock

POLL_SECONDS = 0.05


def main() -> None:
    """Work until the leader is gone."""
    writing: list[WriteLock] = []
    told: SimpleQueue[str] = SimpleQueue()
    Thread(target=leave_with_leader, args=(told, writing), daemon=True).start()

    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415  ships no types; it and the rest load after we listen

    from training.search.board import open_board  # noqa: PLC0415  as above
    from training.search.carry import read  # noqa: PLC0415  as above
    from training.search.hand import Hand, beating  # noqa: PLC0415  as above
    from training.search.storage import WriteLock  # noqa: PLC0415  as above

    carried = read(Path(told.get()))
    if carried.plan.storage is None:
        writing.append(WriteLock(carried.plan.journal))
    hand = Hand(plan=carried.plan, stages=carried.stages, board=open_board(carried.plan))
    # one thread for the numeric libraries as in the leader: a sum over threads depends on them
    with threadpool_limits(limits=1), beating(hand):
        while True:
            orders = hand.board.orders()
            mine = [order for name, order in orders.items() if carried.leader in {name, ""}]
            if not sum([hand.once(order) for order in mine]):
                time.sleep(POLL_SECONDS)


def leave_with_leader(told: SimpleQueue[str], writing: list[WriteLock]) -> None:
    """Hand on the folder; end this process with the pipe, and never within a journal's write."""
    try:
        if line := sys.stdin.buffer.readline():
            told.put(line.decode().removesuffix("\n"))
        sys.stdin.buffer.read()
        for lock in writing:
            lock.acquire()  # let go by our end
    finally:  # whatever becomes of the journal: nobody else would end us
        os._exit(0)


if __name__ == "__main__":
    main()
