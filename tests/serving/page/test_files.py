"""serving.page: plain files, from here and from nowhere else, that need no token."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from serving.app import build_app
from serving.page import FILES, FOLDER, POLICY
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf


@pytest.fixture
def client(bare: Forged) -> Iterator[TestClient]:
    tasks = (churn.TASK, preference.TASK)
    with TestClient(build_app(bare.home, tasks, lookup=Shelf())) as client:
        yield client


def test_every_file_is_served_under_a_strict_policy(client: TestClient) -> None:
    """Before any champion, each with its kind, and nothing that a script could be hidden in."""
    for path, (name, kind) in FILES.items():
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.content == (FOLDER / name).read_bytes()
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.head(path).status_code == 200
        assert client.post(path).status_code == 405


def test_no_file_is_left_out() -> None:
    """What lies in the folder is served, and what is served lies there."""
    lying = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"__init__.py"}
    assert lying == {name for name, _ in FILES.values()}


@pytest.mark.parametrize("name", [name for name, _ in FILES.values()])
def test_nothing_comes_from_elsewhere(name: str) -> None:
    """No address of another machine, no inline script or style, nothing set as markup."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    outside = [link for link in re.findall(r"https?://[^\"' )]+", text) if "www.w3.org" not in link]
    assert outside == []
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
