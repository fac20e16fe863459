"""serving.door.shed over real HTTP: ten times the load, no broken answer, and all is well after."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.door.limits import Limits
from serving.door.shed import Shed

AT_ONCE, WAITING = 2, 2


class Slow:
    """One request after the other, each 10 ms: a hundred a second and no more."""

    def __init__(self) -> None:
        self.lane = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.lane:
            await asyncio.sleep(0.01)
        await PlainTextResponse("done")(scope, receive, send)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """A real server in a thread, on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


async def caller(own: httpx.AsyncClient, seen: list[httpx.Response], times: int) -> None:
    """Asks again and again, refused or not, without a pause."""
    seen.extend([await own.post("/invocations", content=b"x") for _ in range(times)])


def test_ten_times_the_load_breaks_nothing() -> None:
    """Forty callers where four find room: each answer is whole, a 200 or a 503 that says when to
    come again; some of both. When they are gone, nobody is refused.
    """
    seen: list[httpx.Response] = []
    told = Counter[str]()
    app = Shed(Slow(), Limits(at_once=AT_ONCE, waiting=WAITING), lambda why: told.update([why]))

    async def story(url: str) -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as own:
            await asyncio.gather(*(caller(own, seen, 5) for _ in range(40)))
            return [(await own.post("/invocations")).status_code for _ in range(20)]

    began = time.monotonic()
    with served(app) as url:
        after = asyncio.run(story(url))
    statuses = Counter(answer.status_code for answer in seen)
    assert set(statuses) == {200, 503}, statuses
    assert statuses[200] + statuses[503] == 200
    assert statuses[503] == told["full"] + told["waited"]
    assert all(answer.headers["retry-after"] for answer in seen if answer.status_code == 503)
    assert {answer.text for answer in seen if answer.status_code == 200} == {"done"}
    assert after == [200] * 20
    assert app.places.inside == 0
    assert time.monotonic() - began < 60
