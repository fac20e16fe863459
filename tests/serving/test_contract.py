"""The protocol: the same version, asked the same way, says what `mlflow models serve` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.serving.asked import OURS_REFUSE, REQUESTS
from tests.serving.conftest import Forged
from tests.serving.live import Running, ours, stock, wait


@dataclass(frozen=True)
class Pair:
    """The same champion behind MLflow's server and behind ours."""

    theirs: Running
    ours: Running


@pytest.fixture(scope="module")
def pair(_forged: Forged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    own = _forged.copy(tmp_path_factory.mktemp("pair"))
    own.promote("churn", 1)
    own.promote("preference", 1)
    with stock(own.home, "churn") as theirs, ours(own.home) as our:
        wait(theirs)
        wait(our)
        yield Pair(theirs, our)


@pytest.mark.parametrize("name", REQUESTS)
def test_we_answer_as_mlflow_does(pair: Pair, name: str) -> None:
    """Answers are those of `mlflow models serve`, byte for byte; errors say the same.

    Three things differ on purpose: where MLflow falls over (500) the caller is told (400), no
    stack trace leaves the server, and what is no JSON by its standard is refused.
    """
    kind, content = REQUESTS[name]
    headers = {"content-type": kind}
    theirs = pair.theirs.client.post("/invocations", content=content, headers=headers)
    mine = pair.ours.client.post("/invocations", content=content, headers=headers)
    assert "stack_trace" not in mine.text
    if theirs.status_code == 500 or (name in OURS_REFUSE and mine.status_code != 200):
        assert mine.status_code == 400
        assert mine.json()["message"]
        return
    assert mine.status_code == theirs.status_code
    assert mine.headers["content-type"] == theirs.headers["content-type"]
    if mine.status_code == 200:
        assert mine.content == theirs.content
    assert shown(mine.text) == shown(theirs.text)


def test_most_requests_are_no_failure_of_mlflow(pair: Pair) -> None:
    """The table above compares bodies, and does not pass because MLflow falls over everywhere."""
    statuses = [
        pair.theirs.client.post("/invocations", content=c, headers={"content-type": k}).status_code
        for k, c in REQUESTS.values()
    ]
    assert statuses.count(200) >= 25
    assert statuses.count(400) >= 10
    assert statuses.count(500) <= 4


@pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/invocations", "/nowhere"])
def test_other_pages_have_their_statuses(pair: Pair, path: str) -> None:
    """Health and version answer the same; so does the wrong method and the wrong page."""
    theirs, mine = pair.theirs.client.get(path), pair.ours.client.get(path)
    assert mine.status_code == theirs.status_code
    if mine.status_code == 200:
        assert mine.text == theirs.text


def test_missing_type_is_refused(pair: Pair) -> None:
    """MLflow's server falls over without a content type; ours says which types there are."""
    answer = pair.ours.client.post("/invocations", content=b"{}")
    assert answer.status_code == 415
    assert answer.text.startswith("This predictor only supports the following content types")


def shown(text: str) -> object:
    """What both servers must agree on: everything but the stack trace."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if isinstance(found, dict):
        found.pop("stack_trace", None)
    return found
