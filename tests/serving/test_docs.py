"""docs/serving.md: every question on the page is asked of a server and answers as it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from serving.app import build_app
from tests.serving.conftest import TestClient
from tests.serving.fed import Fed
from tests.serving.live import ROOT

PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
LINES = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
UNAVAILABLE, TRIES = 503, 10


@dataclass(frozen=True)
class Curl:
    """The parts of a curl line that the page uses: -s, -H, -d and the address."""

    path: str
    headers: dict[str, str]
    data: str | None


def read(line: str) -> Curl:
    words = iter(shlex.split(line)[1:])
    path, headers, data = "", {}, None
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        elif word != "-s":
            assert word.startswith("http://127.0.0.1:8000/"), word
            path = urlsplit(word).path
    return Curl(path, headers, data)


@pytest.fixture(scope="module")
def client(fed: Fed) -> Iterator[TestClient]:
    with TestClient(build_app(fed.home, fed.tasks)) as client:
        yield client


def ask(client: TestClient, curl: Curl) -> tuple[int, str]:
    """As curl does it: a body makes it a POST. Who is told to try again does so, for a while."""
    for _ in range(TRIES):
        answer = client.request(
            "GET" if curl.data is None else "POST",
            curl.path,
            headers=curl.headers,
            content=curl.data,
        )
        if answer.status_code != UNAVAILABLE:
            break
    return answer.status_code, answer.text


def test_the_page_has_questions() -> None:
    """The reader of the page finds what it is meant to ask."""
    assert len(LINES) == 7


@pytest.mark.parametrize("line", LINES)
def test_question_answers(client: TestClient, line: str) -> None:
    """Each line gets the status that the page promises; one is there to be refused."""
    curl = read(line)
    status, text = ask(client, curl)
    refused = curl.path == "/invocations"
    assert status == (400 if refused else 200), text
    if refused:
        assert "Model is missing inputs" in text
