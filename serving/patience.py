"""How long a page waits for the personal touch before it goes out without.

A store that hangs is given up after 35 ms, so that fallback content is there within 50. One that
answers others meanwhile is not hanging but busy: that queue is waited in for 150 ms.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from serving.guard import Done, Failed, attempt
from serving.starved import waited_for_cpu

# Beats of the event loop and not a clock: on a machine that stalls, the store was stalled too.
BEAT_SECONDS = 0.007  # up to a millisecond more, as event loops count
HANGS_AFTER = 5  # beats in which nobody is answered
BUSY_AFTER = 22  # beats in all

HANGS = Failed(
    "The online store is too slow. "
    f"No answer in {HANGS_AFTER * BEAT_SECONDS * 1000:.0f} ms. Its load and its log say why."
)
BUSY = Failed(
    "The online store is too slow. "
    f"No answer in {BUSY_AFTER * BEAT_SECONDS * 1000:.0f} ms, in which others had theirs or this "
    "machine had no time."
)

# Our own threads stood ready for so much of a silence without being let run: nobody hangs.
STARVED_SECONDS = HANGS_AFTER * BEAT_SECONDS / 4

T = TypeVar("T")


class Patience:
    """Waits for answers, and remembers whether anybody gets one.

    Attributes:
        starved: seconds that this process has stood ready and was not let run.
    """

    def __init__(self, starved: Callable[[], float] = waited_for_cpu) -> None:
        self.starved = starved
        self._answered: Counter[str] = Counter()

    async def wait(self, whose: str, asking: Coroutine[Any, Any, T]) -> Done[T] | Failed:
        """The answer; or why there is none, in time. Failures of any kind are reasons.

        Args:
            whose: answers of one name share a queue.
            asking: cancelled when it is given up.
        """
        task = asyncio.ensure_future(asking)
        seen, silent, ready = self._answered[whose], 0, 0.0
        try:
            for _ in range(BUSY_AFTER):
                done, _pending = await asyncio.wait({task}, timeout=BEAT_SECONDS)
                if done:
                    self._answered[whose] += 1
                    return attempt(task.result)
                silent = silent + 1 if seen == self._answered[whose] else 0
                seen = self._answered[whose]
                if silent <= 1:  # asked of the system only where an answer is late
                    ready = self.starved()
                elif silent >= HANGS_AFTER and self.starved() - ready < STARVED_SECONDS:
                    return HANGS
            return BUSY
        finally:
            task.cancel()  # of one that is done it changes nothing
