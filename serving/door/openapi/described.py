"""The OpenAPI description: what FastAPI knows, what MLflow's endpoints are, what the door may say.

FastAPI sees the endpoints that are functions of ours. MLflow's are apps behind a path, and every
endpoint has the door before it: both are added here, so that no answer is undescribed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI

from serving.door.needs import needs

METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = {"$ref": "#/components/responses/Refused"}
LATER = {"$ref": "#/components/responses/Later"}
BEARER = {"type": "http", "scheme": "bearer", "description": "A line of the server's tokens."}


class Described(FastAPI):
    """FastAPI whose description has every endpoint and every refusal.

    Attributes:
        tasks: the names that `{task}` in a path may be.
        asks: whether a token is asked for.
        event: the JSON schema of one new event, asked for when the description is made.
    """

    def __init__(
        self,
        *,
        tasks: tuple[str, ...],
        asks: bool,
        event: Callable[[], Mapping[str, Any]],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.tasks, self.asks, self.event = tasks, asks, event

    def openapi(self) -> dict[str, Any]:
        """Made once, when somebody first asks."""
        if self.openapi_schema is None:
            made = merged(super().openapi(), protocol())
            for path, method, operation in operations(made):
                complete(operation, path, method, asks=self.asks)
                name_tasks(operation, self.tasks)
            happened = made["components"]["schemas"]["Happened"]["properties"]
            happened["events"]["items"] = dict(self.event())
            if self.asks:
                made["components"]["securitySchemes"] = {"token": BEARER}
            self.openapi_schema = made
        return self.openapi_schema


def protocol() -> dict[str, Any]:
    """What FastAPI cannot know."""
    text = files(__package__).joinpath("protocol.json").read_text(encoding="utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both; where both have a word to say, the second."""
    both = dict(under)
    for key, value in over.items():
        before = both.get(key)
        deeper = isinstance(before, Mapping) and isinstance(value, Mapping)
        both[key] = merged(before, value) if deeper else value  # type: ignore[arg-type]  # just seen
    return both


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each path and method with what is said of it."""
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def complete(operation: dict[str, Any], path: str, method: str, *, asks: bool) -> None:
    """Add what the door may answer, and what it wants to see."""
    rule = needs(method.upper(), path)
    answers = operation["responses"]
    answers.pop("422", None)  # a request that does not fit is 400 here, as MLflow has it
    added: dict[str, Any] = {"400": REFUSED, "421": REFUSED}
    if rule.work:
        added["503"] = LATER
    if "requestBody" in operation:
        added |= {"408": REFUSED, "413": REFUSED}
    if asks and rule.roles:
        added |= {"401": REFUSED, "403": REFUSED}
        operation["security"] = [{"token": []}]
        operation["x-roles"] = sorted(rule.roles)
    operation["responses"] = {**added, **answers}


def name_tasks(operation: dict[str, Any], tasks: tuple[str, ...]) -> None:
    for parameter in operation.get("parameters", ()):
        if (parameter["name"], parameter["in"]) == ("task", "path"):
            parameter["schema"] = {"type": "string", "enum": list(tasks)}
