"""serving.places: no answer, whatever failed, says where something lies on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.app import build_app
from serving.door.entry import Door
from serving.door.hosts import Hosts
from serving.door.limits import Limits
from serving.guard import Failed, attempt
from serving.places import LONGEST, without_places
from tasks import churn, preference, supported
from tests.features.canonical import settle
from tests.features.fresh.live import bought
from tests.serving.conftest import Forged, TestClient
from tests.serving.door.test_entry import INGEST, SCORE, held
from tests.serving.test_personal import Store

TASKS = (churn.TASK, preference.TASK)
PARTS = st.lists(st.text("abcXYZ019._-= ", min_size=1, max_size=9), min_size=2, max_size=5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("No data set in /srv/shop/.onramp. Nothing", "No data set in …/.onramp. Nothing"),
        ("full: '/srv/on ramp/a b.parquet'", "full: '…/a b.parquet'"),
        ('Cannot open "/srv/live.db": locked', 'Cannot open "…/live.db": locked'),
        ("(sqlite:////srv/mlflow.db)", "(sqlite:///…/mlflow.db)"),
        ("file:///srv/a/b: gone", "file://…/b: gone"),
        ("postgresql://me:secret@db/onramp", "postgresql://…@db/onramp"),
        ("/ready says why", "/ready says why"),
        ("https://mlflow.org/docs/latest/model.html", "https://mlflow.org/docs/latest/model.html"),
        ("No customer named 'a/b'", "No customer named 'a/b'"),
    ],
)
def test_places_are_cut_to_what_they_hold(text: str, told: str) -> None:
    """The last part stays, so that the words still say what it is about."""
    assert without_places(text) == told


@given(parts=PARTS, before=st.sampled_from(["in ", "(", "'", '"', "", ": "]))
def test_no_path_is_left(parts: list[str], before: str) -> None:
    """However it is written: its folders are gone where it stands in quotes or has no blanks."""
    path = "/" + "/".join(part.strip(" ") or "x" for part in parts)
    end = before if before in {"'", '"'} else ""
    if not end and " " in path:
        path = path.replace(" ", "_")
    assert path.rpartition("/")[0] + "/" not in without_places(f"{before}{path}{end}")


@pytest.mark.parametrize("made", ['"/{}', "'/{}", " /{}", "'\"/{}'", "x://{}", "'file:///{}"])
@pytest.mark.parametrize("filling", ["a", "a/", "/", "'/", '"/', ":/", "a@", " /a"])
def test_no_text_is_worth_more_than_one_look(made: str, filling: str) -> None:
    """What a caller sent comes back in errors: its beginning, however much of it there is."""
    told = without_places(made.format(filling * 100_000))
    assert len(told) <= 2 * LONGEST


def test_failures_of_any_kind_are_told_without_places() -> None:
    """By construction: what a library's own error says passes here before it is shown."""
    found = attempt(lambda: Path("/nowhere/at/all.txt").read_text())
    assert isinstance(found, Failed)
    assert "all.txt" in found.reason
    assert "/nowhere" not in found.reason


def refused(client: TestClient) -> list[Any]:
    """Whatever can be refused by a server that has everything on and nothing right."""
    rows = {"dataframe_records": [{"visits": 1, "country": "DE"}]}
    ask = {"customer_ids": ["known-1"]}
    return [
        client.post("/invocations", json=rows, headers={"Host": "evil.example"}),
        client.post("/invocations", json=rows),
        client.post("/invocations", json=rows, headers=INGEST),
        client.post("/invocations", content=b"1" * 5000, headers=SCORE),
        client.post("/invocations", content=b"{", headers=SCORE),
        client.post("/invocations", json={"dataframe_split": {"a": 1}}, headers=SCORE),
        client.post("/invocations", json={"dataframe_records": [{}]}, headers=SCORE),
        client.post("/invocations", content=b"PAR0", headers={
            **SCORE, "Content-Type": "application/vnd.apache.parquet"}),
        client.post("/preference/invocations", json=rows, headers=SCORE),
        client.post("/churn/score", json=ask, headers=SCORE),
        client.post("/churn/score", json={"customer_ids": ["a\n"]}, headers=SCORE),
        client.post("/other/score", json=ask, headers=SCORE),
        client.get("/api/personalization/known-1", headers=SCORE),
        client.get("/api/personalization/a%0A", headers=SCORE),
        client.post("/events", json={"events": [bought("a", 1)]}, headers=INGEST),
        client.post("/events", json={"events": [{}]}, headers=INGEST),
        client.get("/nowhere", headers=SCORE),
        client.get("/ping"),
        client.get("/ready"),
        client.get("/metrics", headers=SCORE),
    ]  # fmt: skip


def places(root: Path) -> list[str]:
    """What would say where we are."""
    return [str(root), str(root.parent), sys.prefix, str(Path.cwd()), "/tmp/", "site-packages"]  # noqa: S108  looked for, not written


def test_no_refusal_says_where_it_is(forged: Forged) -> None:
    """Stores that fail with their files' names, logs that cannot be written, versions that lie."""
    store = Store()
    store.broken = f"cannot open '{forged.home.root}/feast/online.db'"
    for folder in (forged.home.predictions, forged.home.receipts):
        folder.write_text("in the way")
    forged.promote("churn", 3)
    door = Door(tokens=held(), hosts=Hosts(), limits=Limits(body_bytes=4000))
    app = build_app(forged.home, TASKS, lookup=store, door=door)
    with TestClient(app, base_url="http://localhost") as client:
        answers = refused(client)
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 400, 401, 403, 404, 413, 421, 503}
    assert "online.db" in answers[12].json()["fallback_reason"]
    for answer in answers:
        for place in places(forged.home.root):
            assert place not in answer.text, (answer.request.url, answer.text)


def test_a_home_that_takes_no_events_does_not_say_where_it_lies(tmp_path: Path) -> None:
    """The 503 names the file and what is wrong with it."""
    home = settle(tmp_path / "home")
    with TestClient(build_app(home, tuple(supported(home.dataset()).values()))) as client:
        answer = client.post("/events", json={"events": [bought("a", 1)]})
    assert answer.status_code == 503
    assert "dataset.toml does not describe a data set" in answer.json()["message"]
    assert str(tmp_path) not in answer.text
