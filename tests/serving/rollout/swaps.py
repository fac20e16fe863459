"""Champions that change hands under load, and what every caller saw of it.

    python -m tests.serving.rollout.swaps HOME 50

HOME has versions 1 and 2 of churn.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from lifecycle.home import Home, open_home
from lifecycle.registry import Registry
from serving.champion import load
from tests.serving.live import ours, wait

ROWS = [
    {"visits": float(visits), "spent": spent, "country": country}
    for visits, spent, country in ((0, 1.0, "DE"), (3, None, "FR"), (9, 40.0, "IT"), (5, 8.0, "FR"))
]
CALLERS = 3
PATIENCE_SECONDS = 60.0
BREATH = 0.005  # seconds between two questions: who swaps shares a core with who asks


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent and answered, and by which version; 0: by a mixture."""

    sent: float
    answered: float
    version: int


@dataclass
class Seen:
    """What the callers saw."""

    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def mixed(self) -> int:
        """Answers that are neither version's: some rows by the one and some by the other."""
        return sum(one.version == 0 for one in self.answers)

    def line(self) -> str:
        delays = sorted(self.delays)
        return (
            f"{len(delays)} swaps, {len(self.answers)} answers, {len(self.failures)} failed, "
            f"{self.mixed()} mixed; visible after {np.median(delays):.2f} s (median), "
            f"{delays[-1]:.2f} s (longest)"
        )


def expected(home: Home) -> Mapping[int, Sequence[float]]:
    """What each version says of the rows."""
    registry = Registry(home)
    found = {n: load(registry, registry.version("churn", n)).scorer for n in (1, 2)}
    return {n: scorer.score_rows(ROWS)[:, 1].tolist() for n, scorer in found.items()}


def caller(
    url: str, known: Mapping[int, Sequence[float]], seen: Seen, stop: threading.Event
) -> None:
    """Ask again and again."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stop.wait(BREATH):
            sent = time.monotonic()
            try:
                answer = client.post("/invocations", json={"dataframe_records": ROWS})
            except httpx.HTTPError as error:
                seen.failures.append(repr(error))
                continue
            if answer.status_code != httpx.codes.OK:
                seen.failures.append(answer.text)
                continue
            given = [one["probability"] for one in answer.json()["predictions"]]
            by = [n for n, said in known.items() if np.allclose(given, said, rtol=0, atol=1e-9)]
            seen.answers.append(Answer(sent, time.monotonic(), by[0] if by else 0))


def swap(home: Home, count: int) -> Seen:
    """Move the alias so many times between versions 1 and 2, each time once the last is seen."""
    registry, known, seen, stop = Registry(home), expected(home), Seen(), threading.Event()
    assert not np.allclose(known[1], known[2])
    registry.point("champion", registry.version("churn", 1))
    with ours(home) as server:
        wait(server)
        threads = [
            threading.Thread(target=caller, args=(server.url, known, seen, stop))
            for _ in range(CALLERS)
        ]
        for thread in threads:
            thread.start()
        try:
            until(seen, 1, time.monotonic())
            for n in range(count):
                version = 2 - n % 2
                registry.point("champion", registry.version("churn", version))
                began = time.monotonic()
                seen.delays.append(until(seen, version, began) - began)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    return seen


def until(seen: Seen, version: int, began: float) -> float:
    """When the first answer of the version came."""
    at = len(seen.answers)
    while time.monotonic() - began < PATIENCE_SECONDS:
        for one in seen.answers[at:]:
            if one.version == version:
                return one.answered
        time.sleep(0.005)
    raise AssertionError(f"version {version} was not seen; {seen.failures[:3]}")


if __name__ == "__main__":
    sys.stdout.write(swap(open_home(Path(sys.argv[1])), int(sys.argv[2])).line() + "\n")
