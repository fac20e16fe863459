"""serving.door.body: what is too much, too slow or no JSON is refused before anybody parses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from serving.door.body import BodyLimit
from serving.door.limits import Limits
from serving.door.shed import Shed
from tests.serving.door.asking import Inner, ask, client

JSON = {"Content-Type": "application/json"}


def test_a_body_arrives_whole() -> None:
    """Chunk by chunk in, in one piece out."""

    async def chunks() -> AsyncIterator[bytes]:
        for piece in (b'{"a"', b": ", b"1}"):
            yield piece

    async def story() -> str:
        async with client(BodyLimit(Inner(), Limits())) as own:
            return (await own.post("/events", content=chunks(), headers=JSON)).text

    assert asyncio.run(story()) == '{"a": 1}'


@pytest.mark.parametrize("size", [10, 11, 100])
def test_large_bodies_are_refused(size: int) -> None:
    """To the byte; what is far too large is not even read, and the connection ends."""
    inner = Inner()
    answer = ask(BodyLimit(inner, Limits(body_bytes=10)), content=b"1" * size)
    assert answer.status_code == (200 if size <= 10 else 413)
    assert inner.reached == (size <= 10)
    if size > 10:
        assert answer.headers["connection"] == "close"
        assert answer.json()["error_code"] == "REQUEST_TOO_LARGE"


def test_a_body_that_never_comes_is_408() -> None:
    """Somebody who sends a byte now and then does not hold a place for ever, nor counts as load."""

    async def trickle() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.sleep(30)

    async def story() -> int:
        inner, told, limits = Inner(), list[str](), Limits(seconds=0.02)
        app = Shed(BodyLimit(inner, limits), limits, told.append)
        async with client(app) as own:
            answer = await own.post("/events", content=trickle())
        assert (inner.reached, app.places.inside, told) == (0, 0, [])
        assert answer.headers["connection"] == "close"
        return answer.status_code

    assert asyncio.run(story()) == 408


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": NaN}', "NaN is no JSON number."),
        (b"[" * 40 + b"]" * 40, "nested too deep"),
        (b'{"a": "\xff"}', "byte 0xFF at position 7"),
        (b'"\\ud800"', "half of a surrogate pair"),
    ],
)
def test_bad_json_is_400(body: bytes, words: str) -> None:
    """In words, whether the type is said or not; another type is not looked at."""
    app = BodyLimit(Inner(), Limits())
    for headers in (JSON, {"Content-Type": "application/json; charset=utf-8"}, {}):
        answer = ask(app, content=body, headers=headers)
        assert answer.status_code == 400
        assert words in answer.json()["message"]
    assert ask(app, content=body, headers={"Content-Type": "text/csv"}).status_code == 200
