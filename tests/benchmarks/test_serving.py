"""The benchmark of serving: answers are judged, lines become numbers, numbers become verdicts."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving_load import Load, Run, asked, percentiles, wrong
from benchmarks.serving_peers import FLOOR, MLFLOW, ONRAMP
from benchmarks.serving_report import write
from benchmarks.serving_results import Cell, Results
from benchmarks.serving_targets import Target, targets

RIGHT = b'HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n{"answers":[{"answer":1}]}'
AWAY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\ncontent-length: 0\r\n\r\n"
SENT = (
    b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 8\r\n\r\n{"a": 1}'
)
QUESTION = (b"", b'"answer":', 1)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_percentiles_are_times_that_were_seen(taken: list[float]) -> None:
    """At least so many of a hundred are no longer, and p50 ≤ p95 ≤ p99 ≤ max."""
    found = percentiles(taken)
    assert list(found.values()) == sorted(found.values())
    assert found["max"] == 1000 * max(taken)
    for p in (50, 95, 99):
        assert found[f"p{p}"] in {1000 * one for one in taken}
        assert sum(1000 * one <= found[f"p{p}"] for one in taken) >= len(taken) * p / 100


def test_no_times_have_no_percentiles() -> None:
    """Nothing is made up where nothing was answered."""
    assert percentiles([]) == {}
    assert percentiles([0.001 * n for n in range(1, 101)])["p99"] == pytest.approx(99.0)


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, RIGHT, ""),
        (200, RIGHT.replace(b'"answer":', b'"x":'), "wrong number of rows"),
        (200, RIGHT + b'"answer":', "wrong number of rows"),
        (503, AWAY, ""),
        (503, AWAY.replace(b"Retry-After", b"X"), "503 without Retry-After"),
        (500, RIGHT, "status 500"),
        (429, AWAY, "status 429"),
    ],
)
def test_answers_are_judged(status: int, answer: bytes, said: str) -> None:
    """A right 200, or a 503 that says when to come again; everything else is a failure."""
    assert wrong(status, answer, QUESTION) == said


@pytest.mark.parametrize("rate", [None, 400.0])
def test_the_load_counts_what_a_server_does(tmp_path: Path, rate: float | None) -> None:
    """One answer in four is 503, one in four lacks its row: each is found, in both loops."""
    import json  # noqa: PLC0415  the questions' file

    path = tmp_path / "questions.json"
    path.write_text(json.dumps([asked("/x", b'{"a": 1}', '"answer":', 1)] * 2))
    answers = [RIGHT, AWAY, RIGHT, RIGHT.replace(b'"answer":', b'"xnswer":')]
    given_out: Counter[int] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.read(1_000)
            if not head:
                writer.close()
                return
            assert head == SENT
            place = sum(given_out.values()) % len(answers)
            given_out[place] += 1
            whole = answers[place].replace(b"content-length: 24", b"content-length: 26")
            writer.write(whole[:20])  # in two parts, as networks may
            await asyncio.sleep(0)
            writer.write(whole[20:])

    async def load() -> dict[str, Any]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asking = Load(
            port=port, questions=str(path), connections=2, seconds=0.2, warm=0.02, rate=rate
        )
        async with server:
            seen = await Run(asking).measure()
            # those who serve see that nobody asks any more
            while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  they are the server's own
                await asyncio.sleep(0.001)
        return seen

    seen = asyncio.run(load())
    assert set(seen["statuses"]) == {"200", "503"}
    assert seen["faults"] == {"wrong number of rows": given_out[3]}
    assert 0 < seen["answers"] <= sum(given_out.values())
    assert seen["rate"] == pytest.approx(seen["statuses"]["200"] / 0.2)


def cell(system: str, connections: int, p50: float, rate: float, **more: Any) -> dict[str, Any]:
    known = {"store": "none", "what": "rows", "size": 1, "round": 0} | more
    return {
        "kind": "cell", "system": system, "connections": connections, "p50": p50,
        "p95": 2 * p50, "p99": 3 * p50, "rate": rate, "cpu_ms": {"server": 0.5},
        "statuses": {"200": 10}, "faults": {}, **known,
    }  # fmt: skip


def storm(failed: dict[str, int], after: float) -> dict[str, Any]:
    calm = {"statuses": {"200": 9}, "faults": {}, "rate": 100.0}
    return {
        "kind": "overload", "what": "rows", "size": 1, "open": False,
        "before": {**calm, "p50": 1.0}, "limit": calm, "after": {**calm, "p50": after},
        "tenfold": {
            "statuses": {"200": 50, "503": 50}, "faults": failed, "answers": 100, "rate": 50.0,
            "answered_rate": 100.0, "due_rate": None, "unsent": 0, "p99": 9.0,
            "shed_ms": {"p99": 3.0},
        },
    }  # fmt: skip


LINES = [
    {
        "kind": "machine", "at": "then", "load": [1.0, 1.0, 1.0], "cores": 2, "python": "3.11",
        "nice": 0, "libraries": {"mlflow": "3"}, "model": {"features": 9, "trees": 7},
        "plan": {"customers": 5, "seconds": 1.0, "warm": 0.5, "rounds": 3, "starts": 1},
    },
    *(cell(MLFLOW, n, 10.0 * n, 100.0) for n in (1, 8)),
    *(cell(FLOOR, n, 1.0 * n, 1500.0) for n in (1, 8)),
    *(cell(ONRAMP, 1, p50, rate, round=n)
      for n, (p50, rate) in enumerate([(1.5, 1100.0), (1.6, 1000.0), (9.0, 20.0)])),
    cell(ONRAMP, 8, 20.0, 900.0),
    cell(ONRAMP, 8, 5.0, 900.0, store="sqlite", what="customers"),
    cell(ONRAMP, 8, 7.0, 900.0, store="redis", what="customers"),
    storm({}, 1.4),
    storm({"connection lost": 1}, 2.0),
    {"kind": "start", "system": ONRAMP, "seconds": 3.0, "cpu": 2.5, "mib": 300.0},
    {"kind": "memory", "system": ONRAMP, "store": "none", "peak_mib": 400.0,
     "log": {"written": 70, "dropped": 0}},
]  # fmt: skip


def reached(lines: list[dict[str, Any]]) -> dict[str, Target]:
    return {one.what: one for one in targets(Results(lines=lines))}


def test_a_cell_is_the_median_of_its_rounds() -> None:
    """One round that the machine disturbed moves nothing but the spread."""
    found = Results(lines=LINES).cells()[Cell(ONRAMP, "none", "rows", 1, 1)]
    assert (found.p50, found.rate, found.cpu) == (1.6, 1000.0, 0.5)
    assert found.spread == 55.0


def test_targets_are_reached_or_not() -> None:
    """At the limit is reached, beyond it is not, and what was not measured is neither."""
    found = reached(LINES)
    verdicts = {what: one.reached for what, one in found.items()}
    assert verdicts["one row, 1 connection: 10 × plain MLflow's requests a second"] is True
    assert verdicts["one row, 8 connections: 10 × plain MLflow's requests a second"] is False
    assert verdicts["one row, 1 connection: p50 at most 1.6 × the floor's"] is True
    assert verdicts["one row, 8 connections: p50 at most 1.6 × the floor's"] is False
    by_customer = "1 customer, `/TASK/score`, {}, 8 connections: p99 below 20 ms"
    assert verdicts[by_customer.format("SQLite")] is True
    assert verdicts[by_customer.format("Redis")] is False
    assert sum(verdict is None for verdict in verdicts.values()) == 4
    assert found[by_customer.format("Redis")].measured == "21.0 ms"


@pytest.mark.parametrize(
    ("failed", "after", "said"),
    [
        ({}, 1.5, [True, True]),
        ({}, 1.6, [True, False]),
        ({"connection lost": 1}, 1.0, [False, True]),
    ],
)
def test_an_overload_is_judged(failed: dict[str, int], after: float, said: list[bool]) -> None:
    """One lost connection is a failure; a p50 that stays up is no recovery."""
    assert [one.reached for one in targets(Results(lines=[storm(failed, after)]))][-2:] == said


def test_the_report_is_written_from_the_lines(tmp_path: Path) -> None:
    """A page with its verdicts, its table and its words; the picture is the same each time."""
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        write(LINES, tmp_path / place)
    page = (tmp_path / "one" / "serving.md").read_text(encoding="utf-8")
    assert "| **Onramp** | 1.60 | 3.20 | 4.80 | 1,000 | 0.50 | 1.60 |" in page
    assert "| 1 row, 640 connections | 100 | 100 | 50 | 50 | 9 | 3 | 1.00 ms | 1.40 ms |" in page
    assert page.count("**no**") == 5
    assert "every answer was right" in page
    assert "took 70 rows meanwhile and dropped 0" in page
    assert (tmp_path / "one" / "serving.svg").read_bytes() == (
        tmp_path / "two" / "serving.svg"
    ).read_bytes()
