"""serving.door.shed: bounded inside, bounded waiting, the rest is sent away and all recovers."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.door.body import BodyLimit
from serving.door.limits import Limits
from serving.door.shed import Shed
from tests.serving.door.asking import Inner, client, until


def post(own: httpx.AsyncClient) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(own.post("/invocations", content=b"x"))


def test_beyond_the_queue_it_is_503_at_once() -> None:
    """Two inside, three waiting, five sent away while the others are still inside."""

    async def story() -> None:
        inner, told = Inner(held=True), Counter[str]()
        app = Shed(inner, Limits(at_once=2, waiting=3), lambda why: told.update([why]))
        async with client(app) as own:
            asked = [post(own) for _ in range(10)]
            await until(lambda: sum(one.done() for one in asked) == 5)
            refused = [one.result() for one in asked if one.done()]
            assert {answer.status_code for answer in refused} == {503}
            assert {answer.headers["retry-after"] for answer in refused} == {"2"}
            assert told == {"full": 5}
            inner.gate.set()
            answers = await asyncio.gather(*asked)
        assert Counter(answer.status_code for answer in answers) == {200: 5, 503: 5}
        assert inner.most == 2
        assert app.places.inside == 0

    asyncio.run(story())


def test_health_is_answered_when_full() -> None:
    """A full server still says how it fares."""

    async def story() -> None:
        inner = Inner(held=True)
        app = Shed(inner, Limits(at_once=1, waiting=0), lambda _: None)
        async with client(app) as own:
            working = post(own)
            await until(lambda: inner.inside == 1)
            assert (await post(own)).status_code == 503
            health = asyncio.create_task(own.get("/ping"))
            await until(lambda: inner.inside == 2)
            inner.gate.set()
            assert (await health).status_code == (await working).status_code == 200

    asyncio.run(story())


def test_a_wait_that_is_too_long_ends() -> None:
    """Who waits longer than allowed gets 503, leaves the queue, and is never let in."""

    async def story() -> None:
        inner, told = Inner(held=True), list[str]()
        app = Shed(inner, Limits(at_once=1, waiting=5, wait_seconds=0.02), told.append)
        async with client(app) as own:
            working = post(own)
            await until(lambda: inner.inside == 1)
            waited = await post(own)
            assert (waited.status_code, told) == (503, ["waited"])
            inner.gate.set()
            assert (await working).status_code == 200
            assert (await post(own)).status_code == 200
        assert (inner.reached, app.places.inside) == (2, 0)

    asyncio.run(story())


def test_an_answer_that_takes_too_long_is_503() -> None:
    """The work is cancelled, its place is free again, and the caller knows when to come back."""

    async def story() -> None:
        inner, told = Inner(held=True), list[str]()
        limits = Limits(at_once=1, seconds=0.02)
        app = Shed(BodyLimit(inner, limits), limits, told.append)
        async with client(app) as own:
            answer = await post(own)
            assert answer.status_code == 503
            assert "There was no answer in 0.02 s." in answer.json()["message"]
            assert told == ["slow"]
            inner.held = False
            assert (await post(own)).status_code == 200
        assert (inner.inside, app.places.inside) == (0, 0)

    asyncio.run(story())


def test_a_failure_frees_its_place() -> None:
    """The app's own errors, a TimeoutError too, pass through and take no place along."""

    async def story(error: Exception) -> None:
        async def failing(*_: object) -> None:
            raise error

        app = Shed(failing, Limits(at_once=1), lambda _: None)
        async with client(app) as own:
            with pytest.raises(type(error)):
                await post(own)
        assert app.places.inside == 0

    for error in (ValueError("x"), TimeoutError("the app's own")):
        asyncio.run(story(error))


@given(steps=st.lists(st.sampled_from(["ask", "finish", "give up", "pause"]), max_size=40))
@settings(max_examples=60, deadline=None)
def test_places_are_never_lost_nor_made(steps: list[str]) -> None:
    """Whoever comes, waits, gives up or finishes in whatever order: never more inside than
    allowed, and when all have left every place is free.
    """

    async def story() -> None:
        inner = Inner(held=True)
        app = Shed(inner, Limits(at_once=2, waiting=2, wait_seconds=30), lambda _: None)
        asked: list[asyncio.Task[httpx.Response]] = []
        async with client(app) as own:
            for step in steps:
                if step == "ask":
                    asked.append(post(own))
                elif step == "finish":
                    inner.gate.set()
                    await asyncio.sleep(0)
                    inner.gate = asyncio.Event()
                elif step == "give up" and asked:
                    asked.pop(len(asked) // 2).cancel()
                else:
                    await asyncio.sleep(0)
                assert inner.inside <= 2
            inner.held = False
            for _ in range(200):
                inner.gate.set()
                await asyncio.sleep(0)
            await asyncio.gather(*asked, return_exceptions=True)
        assert inner.most <= 2
        assert app.places.inside == 0

    asyncio.run(story())


def test_a_spell_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand refusals are not a thousand lines."""

    async def story() -> None:
        inner = Inner(held=True)
        app = Shed(inner, Limits(at_once=1, waiting=0), lambda _: None)
        async with client(app) as own:
            working = post(own)
            await until(lambda: inner.inside == 1)
            for _ in range(50):
                assert (await post(own)).status_code == 503
            inner.gate.set()
            await working

    asyncio.run(story())
    assert caplog.text.count("requests are sent away") == 1
