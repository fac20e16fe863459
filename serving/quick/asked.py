"""A plain question about customers goes past the router and the model of its body.

`{"customer_ids": […]}` and nothing else, as surely right: it gets the answer that the endpoint
would give. What is anything else, right or wrong, goes on to the endpoint, which has the words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lifecycle.errors import OnrampError, UsageError
from serving.answers import Answer
from serving.champion import Champion
from serving.errors import refusal, status_of
from serving.ids import customer_id
from serving.messages import content_type, replayed, whole
from serving.places import without_places
from serving.quick.customers import MOST_CUSTOMERS
from serving.quick.rows import TYPES

Ask = Callable[[str, Sequence[str]], Awaitable[tuple[Champion, Sequence[Answer]]]]


class Asked:
    """Answers plain questions about customers.

    Args:
        app: everything else.
        tasks: path → the task that is asked there.
        ask: task, customers → the version that answered, and the answers.
    """

    def __init__(self, app: ASGIApp, tasks: Mapping[str, str], ask: Ask) -> None:
        self.app, self.tasks, self.ask = app, tasks, ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "POST"
        task = self.tasks.get(scope["path"]) if asked else None
        if task is None:
            await self.app(scope, receive, send)
            return
        body = await whole(receive)
        if body is None:
            return
        customers = plain(content_type(scope), body)
        if customers is None:
            await self.app(scope, replayed(body, receive), send)
            return
        response = await self._answer(task, customers)
        await response(scope, receive, send)

    async def _answer(self, task: str, customers: Sequence[str]) -> Response:
        try:
            return scored(task, *await self.ask(task, customers))
        except OnrampError as error:
            return refusal(status_of(error), without_places(str(error)))


def plain(content_type: bytes | None, body: bytes) -> Sequence[str] | None:
    """The customers who are asked about; None where it takes more than this to be sure."""
    if content_type not in TYPES:
        return None
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(sent, dict) or sent.keys() != {"customer_ids"}:
        return None
    names = sent["customer_ids"]
    if not isinstance(names, list) or not 0 < len(names) <= MOST_CUSTOMERS:
        return None
    try:
        return [customer_id(name) for name in names] if set(map(type, names)) == {str} else None
    except UsageError:
        return None


def scored(task: str, champion: Champion, answers: Sequence[Answer]) -> JSONResponse:
    """What `/{task}/score` answers."""
    body = [answer.body() for answer in answers]
    return JSONResponse({"task": task, "version": champion.version, "answers": body})
