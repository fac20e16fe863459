"""Why an answer is what it is, in words: worked out beside the answers, and never before them.

Contributions cost some milliseconds a customer where a score costs a tenth of one. So they have a
thread of their own, a deadline, and a queue that refuses rather than grows; an answer that nobody
could explain in time goes out without reasons.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lifecycle.prediction import FeatureValue
from lifecycle.scorer import Explains
from serving.champion import Champion
from serving.guard import Failed, attempt

MOST_REASONS = 5
MOST_EXPLAINED = 100  # customers in one question
SECONDS = 0.5
SECONDS_EACH = 0.02  # more time for a question about many
MOST_WAITING = 8  # questions
REMEMBERED = 2_000  # customers; some 3 KB each

Reason = Mapping[str, Any]
Vector = Mapping[str, FeatureValue]


class Explaining:
    """Reasons for answers; what was worked out once is remembered while others are not asked."""

    def __init__(self) -> None:
        self._lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reasons")
        self._known: OrderedDict[tuple[object, ...], Sequence[Reason]] = OrderedDict()
        self._waiting = 0

    def stop(self) -> None:
        self._lane.shutdown(wait=False, cancel_futures=True)

    async def of(
        self, champion: Champion, vectors: Sequence[Vector], count: int
    ) -> list[Sequence[Reason]] | None:
        """The heaviest reasons of each answer, in order; None where there was no time for them.

        Also None where none are wanted, where the version was made before it could give reasons,
        and where it fails to.

        Args:
            champion: who answered.
            vectors: the features that it was asked with.
            count: reasons an answer, at most `MOST_REASONS`.
        """
        scorer = champion.scorer
        wanted = count > 0 and 0 < len(vectors) <= MOST_EXPLAINED
        if not isinstance(scorer, Explains) or not wanted or self._waiting >= MOST_WAITING:
            return None
        self._waiting += 1
        try:
            version = (champion.task, champion.version)
            step = partial(attempt, partial(self._told, scorer, version, vectors))
            working = asyncio.get_running_loop().run_in_executor(self._lane, step)
            done = await asyncio.wait_for(working, SECONDS + SECONDS_EACH * len(vectors))
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1
        if isinstance(done, Failed):
            return None
        return [reasons[:count] for reasons in done.value]

    def _told(
        self, scorer: Explains, version: tuple[str, int], vectors: Sequence[Vector]
    ) -> list[Sequence[Reason]]:
        # only ever in the one thread, so that nothing else touches what is remembered
        found = []
        for vector in vectors:
            key = (*version, *vector.values())
            if key not in self._known:
                self._known[key] = scorer.reasons([vector], MOST_REASONS)[0]
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            found.append(self._known[key])
        return found
