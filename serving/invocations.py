"""MLflow's own scoring app around a champion, and the way in and out of it.

A small plain request takes the champion's short way (`serving.quick`) and gets the very bytes
that MLflow's app would send; every other request is MLflow's.

MLflow's app touches only `metadata` and `predict` of its model, so it is handed a model that
also logs. Two things are changed on the way out, both for errors only: a stack trace is not
shown to callers, and a request that MLflow could not read is the caller's fault (400) where
MLflow says 500.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from fastapi import Request
from mlflow.pyfunc import scoring_server
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifecycle.prediction import Prediction
from serving.champion import Champion
from serving.door.rows import refuse_rows
from serving.errors import refusal
from serving.log_writer import LogWriter
from serving.messages import content_type, replayed, told, whole
from serving.places import without_places
from serving.quick.express import PLAIN
from serving.quick.scoring import Quick, quick
from serving.seat import Seat
from serving.sent_features import as_sent
from serving.sent_row import sent_row

# What parsing a stranger's bytes raises, beside MLflow's own errors.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
FIRST_ERROR = 400
SERVER_ERROR = 500


@dataclass(frozen=True, kw_only=True)
class Invoked:
    """One call of `/invocations`, made into rows of the log when they are written."""

    champion: Champion
    data: Any
    output: pd.DataFrame
    at: datetime

    @property
    def rows(self) -> int:
        return len(self.output)

    def predictions(self) -> Sequence[Prediction]:
        features = as_sent(self.data, self.champion.scorer.features, self.rows)
        return [
            sent_row(
                self.champion,
                self.at,
                prediction=float(answer["probability"]),
                answer=str(answer["answer"]),
                probabilities=self._by_class(answer),
                features=row,
            )
            for row, answer in zip(features, self.output.to_dict(orient="records"), strict=True)
        ]

    def _by_class(self, answer: Mapping[Hashable, Any]) -> dict[str, float]:
        classes = self.champion.scorer.classes
        if self.champion.scorer.kind == "binary":
            positive = float(answer["probability"])
            return {classes[0]: 1.0 - positive, classes[1]: positive}
        return {name: float(answer[f"p_{name}"]) for name in classes}


class LoggedModel:
    """A champion as MLflow's app wants its model."""

    def __init__(self, champion: Champion, log: LogWriter) -> None:
        self.champion, self.log = champion, log
        self.metadata = champion.model.metadata

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """MLflow's prediction, logged.

        Raises:
            MlflowException: there are too many rows, or a number is infinite.
        """
        refuse_rows(data)
        output: pd.DataFrame = self.champion.model.predict(data, params=params)
        self.log.put(
            Invoked(champion=self.champion, data=data, output=output, at=datetime.now(UTC))
        )
        return output


class ScoringApp:
    """MLflow's scoring app for a champion, and the short way beside it."""

    def __init__(self, app: ASGIApp, quick: Quick | None) -> None:
        self.app, self.quick = app, quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def around(champion: Champion, log: LogWriter) -> ScoringApp:
    """What answers the champion's requests."""
    app = scoring_server.init(LoggedModel(champion, log))
    for kind in UNREADABLE:
        app.add_exception_handler(kind, unreadable)
    return ScoringApp(app, quick(champion, log))


async def unreadable(request: Request, error: Exception) -> Response:  # noqa: ARG001  FastAPI's signature
    """What MLflow's parser tripped over, as the caller's error."""
    words = f"{type(error).__name__}: {without_places(str(error))}"
    return refusal(FIRST_ERROR, f"The request cannot be read as rows of features. {words}"[:1000])


class ToMLflow:
    """An endpoint that passes the request to the scoring app of whoever sits there now."""

    def __init__(self, seat: Callable[[Scope], Seat], path: str) -> None:
        self.seat, self.path = seat, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sitting = self.seat(scope).taken()
        asks = self.path == "/invocations" and scope["method"] == "POST"
        if sitting.quick is not None and asks and scope.get(PLAIN, True):
            body = await whole(receive)
            if body is None:
                return
            answer = await sitting.quick.answer(content_type(scope), body)
            if answer is not None:
                await told(send, answer)
                return
            receive = replayed(body, receive)
        inner = {key: scope[key] for key in scope if key not in {"app", "router", "path_params"}}
        inner |= {"path": self.path, "raw_path": self.path.encode(), "root_path": ""}
        headers = list(scope["headers"])
        if not any(name == b"content-type" for name, _ in headers):
            # MLflow trips over a missing one; to an empty one it has its own words (415)
            headers.append((b"content-type", b""))
        await sitting.app({**inner, "headers": headers}, receive, Tidied(send))


class Tidied:
    """Holds an error back until it is whole and takes out what callers should not see."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= FIRST_ERROR:
            self._start = message
            return
        if self._start is None:
            await self.send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._send_error(self._start)

    async def _send_error(self, start: Message) -> None:
        body = without_stack(self._body)
        status = FIRST_ERROR if start["status"] == SERVER_ERROR else start["status"]
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.send({**start, "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def without_stack(body: bytes) -> bytes:
    """MLflow's error without its stack trace; anything else as it is."""
    if b'"stack_trace"' not in body:
        return body
    error = json.loads(body)
    error.pop("stack_trace", None)
    return json.dumps(error).encode()
