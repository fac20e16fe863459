"""The load of `benchmarks/serving.py`: raw HTTP/1.1 over kept connections, every answer checked.

Run by the benchmark as a process of its own, so that what it takes is not the server's. It writes
prepared bytes and looks into the answer for three things only: the status, `Retry-After` of a 503,
and how often a word stands in the body, which is how many rows came back.

Closed loop: each connection asks again as soon as it has its answer. Open loop: requests fall due
at a fixed rate, whether answers come or not; one that finds no connection free waits, and its time
runs from when it fell due.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OK, BUSY = 200, 503
END = b"\r\n\r\n"
LENGTH, AGAIN = b"\r\ncontent-length:", b"\r\nretry-after:"
TICKS = os.sysconf("SC_CLK_TCK")
DRAIN_SECONDS = 30.0
TURN_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked.

    Attributes:
        questions: a file of prepared questions (`asked`).
        rate: requests a second that fall due (open loop); None: closed loop.
        warm: seconds before anything is counted.
        pids: name → processes whose CPU time is counted while it is measured.
    """

    port: int
    questions: str
    connections: int
    seconds: float
    warm: float = 1.0
    rate: float | None = None
    pids: Mapping[str, Sequence[int]] = field(default_factory=dict)


def asked(path: str, body: bytes | None, word: str, times: int) -> dict[str, Any]:
    """One prepared question; the body of a right answer holds the word so many times."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    sent = head.encode() + b"\r\n" + (body or b"")
    return {"sent": sent.decode(), "word": word, "times": times}


@dataclass
class Seen:
    """What was counted since the warm-up ended; times in seconds."""

    taken: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


def percentiles(taken: Iterable[float]) -> dict[str, float]:
    """Milliseconds below which 50, 95 and 99 of a hundred lie: the nearest rank."""
    ordered = sorted(taken)
    if not ordered:
        return {}
    at = {f"p{p}": ordered[max(0, -(-len(ordered) * p // 100) - 1)] for p in (50, 95, 99)}
    return {name: 1000 * value for name, value in (at | {"max": ordered[-1]}).items()}


class Connection(asyncio.Protocol):
    """One kept connection, one question at a time."""

    def __init__(self, run: Run) -> None:
        self.run, self.open = run, False
        self._transport: Any = None
        self._question: tuple[bytes, bytes, int] | None = None
        self._begun, self._buffer, self._whole = 0.0, b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = transport, True

    def ask(self, question: tuple[bytes, bytes, int], since: float) -> None:
        self._question, self._begun, self._buffer, self._whole = question, since, b"", 0
        self._transport.write(question[0])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._whole:
            end = self._buffer.find(END)
            if end < 0:
                return
            head = self._buffer[:end].lower() + b"\r\n"
            at = head.find(LENGTH)
            length = int(head[at + len(LENGTH) : head.find(b"\r\n", at + 2)]) if at >= 0 else 0
            self._whole = end + len(END) + length
        if len(self._buffer) >= self._whole and self._question is not None:
            question, self._question = self._question, None
            self.run.answered(self, question, self._buffer, self._begun)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self.open = False
        if self._question is not None:
            self._question = None
            self.run.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Run:
    """One load from its first connection to its last answer."""

    def __init__(self, load: Load) -> None:
        self.load, self.seen, self.busy = load, Seen(), 0
        prepared = json.loads(Path(load.questions).read_text(encoding="utf-8"))
        self.questions = [(p["sent"].encode(), p["word"].encode(), p["times"]) for p in prepared]
        self.connections: list[Connection] = []
        self._asked = self._due = 0
        self._free: deque[Connection] = deque()
        self._begin = self._end = 0.0

    async def measure(self) -> dict[str, Any]:
        """Warm up, measure, and wait for what is under way."""
        loop = asyncio.get_running_loop()
        for _ in range(self.load.connections):
            _, made = await loop.create_connection(
                lambda: Connection(self), "127.0.0.1", self.load.port
            )
            self.connections.append(made)
        now = time.perf_counter()
        self._begin, self._end = now + self.load.warm, now + self.load.warm + self.load.seconds
        filling = loop.create_task(self._fill(now))
        await asyncio.sleep(self._begin - time.perf_counter())
        before, own = spent(self.load.pids), time.process_time()
        await asyncio.sleep(self._end - time.perf_counter())
        after, own = spent(self.load.pids), time.process_time() - own
        await filling
        late = time.perf_counter() + DRAIN_SECONDS
        while self.busy and time.perf_counter() < late:  # noqa: ASYNC110  an answer sets no event
            await asyncio.sleep(TURN_SECONDS)
        self.seen.faults["never answered"] += self.busy
        for one in self.connections:
            one.close()
        return self._told({name: after[name] - before[name] for name in before}, own)

    async def _fill(self, begun: float) -> None:
        """Begin on every connection; in an open loop, ask whenever a request falls due."""
        if self.load.rate is None:
            for one in self.connections:
                self._ask(one, time.perf_counter())
            return
        self._free.extend(self.connections)
        while (now := time.perf_counter()) < self._end:
            due = int((now - begun) * self.load.rate)
            while self._due < due and self._free:
                self._ask(self._free.popleft(), begun + self._due / self.load.rate)
                self._due += 1
            await asyncio.sleep(TURN_SECONDS)

    def _ask(self, one: Connection, since: float) -> None:
        if not one.open:
            self.seen.faults["connection closed"] += 1
            return
        self.busy += 1
        self._asked += 1
        one.ask(self.questions[self._asked % len(self.questions)], since)

    def answered(
        self, one: Connection, question: tuple[bytes, bytes, int], answer: bytes, since: float
    ) -> None:
        """Judge an answer, count it where it belongs to the measured time, and ask again."""
        now = time.perf_counter()
        self.busy -= 1
        status = int(answer[9:12])
        fault = wrong(status, answer, question)
        if fault:
            self.seen.faults[fault] += 1
        if self._begin <= now < self._end:
            self.seen.statuses[status] += 1
            (self.seen.taken if status == OK else self.seen.shed).append(now - since)
        if self.load.rate is not None:
            self._free.append(one)
        elif now < self._end:
            self._ask(one, now)

    def lost(self, one: Connection) -> None:  # noqa: ARG002  which one says nothing
        self.busy -= 1
        self.seen.faults["connection lost"] += 1

    def _told(self, cpu: Mapping[str, float], own: float) -> dict[str, Any]:
        seconds, seen = self.load.seconds, self.seen
        answers = sum(seen.statuses.values())
        return {
            **percentiles(seen.taken),
            "rate": len(seen.taken) / seconds,
            "answers": answers,
            "statuses": {str(k): n for k, n in sorted(seen.statuses.items())},
            "faults": {k: n for k, n in sorted(seen.faults.items()) if n},
            "answered_rate": answers / seconds,
            "due_rate": self.load.rate,
            "unsent": self._unsent(),
            "shed_ms": percentiles(seen.shed),
            "cpu_ms": {name: 1000 * took / max(1, answers) for name, took in cpu.items()},
            "cores": {name: took / seconds for name, took in cpu.items()},
            "load_cores": own / seconds,
            "load": asdict(self.load),
        }

    def _unsent(self) -> int:
        """Requests that fell due and found no connection before the end."""
        if self.load.rate is None:
            return 0
        return max(0, int((self.load.warm + self.load.seconds) * self.load.rate) - self._due)


def wrong(status: int, answer: bytes, question: tuple[bytes, bytes, int]) -> str:
    """What is wrong with an answer; nothing where it is right, or rightly sent away."""
    _, word, times = question
    if status == OK:
        return "" if answer.count(word) == times else "wrong number of rows"
    if status == BUSY:
        head = answer[: answer.find(END)].lower()
        return "" if AGAIN in head else "503 without Retry-After"
    return f"status {status}"


def spent(pids: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU seconds of processes so far, user and system, by name."""
    return {name: sum(map(cpu_seconds, some)) for name, some in pids.items()}


def cpu_seconds(pid: int) -> float:
    """0.0 for a process that has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return 0.0


def main() -> None:
    """Be the load that the first argument describes; say what was seen."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415  uvicorn's loop, where it is there

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    print(json.dumps(asyncio.run(Run(Load(**json.loads(sys.argv[1]))).measure())))


if __name__ == "__main__":
    main()
