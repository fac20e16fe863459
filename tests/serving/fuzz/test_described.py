"""Requests that schemathesis makes from /openapi.json: each answer is one that is described."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection
from typing import Any

import httpx
import pytest
from hypothesis import given

from tests.serving.conftest import TestClient
from tests.serving.fuzz.cases import share

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies, while they are imported
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# The home of these tests has a data set that takes no events: test_events.py has one that does.
ELSEWHERE = {"/events"}
# A twentieth of the cases for each way of asking each of about eight operations.
EACH = share(0.05, 6)


def operations(client: TestClient, only: Collection[str] = ()) -> list[Any]:
    """What the description describes, as schemathesis reads it.

    Args:
        client: asks the app.
        only: these paths; default: all that can be asked here.
    """
    described = client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(described)
    found = [operation.ok() for operation in schema.get_all_operations()]
    if only:
        return [operation for operation in found if operation.path in only]
    return [operation for operation in found if operation.path not in ELSEWHERE]


def send(client: TestClient, case: Any) -> httpx.Response:
    """A generated request, over our client instead of `requests`."""
    made = case.as_transport_kwargs(base_url="http://testserver")
    content = made.get("data")
    if "json" in made:
        content = json.dumps(made["json"])
    return client.request(
        made["method"],
        made["url"],
        headers=dict(made["headers"]),
        params=made["params"],
        content=content,
    )


def test_the_description_has_every_endpoint(fuzzed: TestClient) -> None:
    """What the app routes and what it describes are the same, pages and itself aside."""
    routed = {
        (method, getattr(route, "path_format", ""))
        for route in fuzzed.app.router.routes  # type: ignore[attr-defined]
        for method in (getattr(route, "methods", None) or {"ANY"})
    }
    paths = {path for _, path in routed if not path.startswith(("/page", "/docs", "/openapi"))}
    described = set(fuzzed.get("/openapi.json").json()["paths"])
    assert {path for path in paths - {"/"} if path} == described


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_every_answer_is_described(fuzzed: TestClient, mode: GenerationMode) -> None:
    """Fitting and unfitting requests alike: no 5xx, and status, type and shape as told."""
    found = operations(fuzzed)
    assert len(found) >= 8
    for operation in found:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.path_parameters):
            continue  # nothing in it can be wrong

        @given(case=operation.as_strategy(generation_mode=mode))
        @EACH
        def answered(case: Any) -> None:
            case.validate_response(send(fuzzed, case), checks=CHECKS)

        answered()
