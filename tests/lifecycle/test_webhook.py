"""Webhooks of the embedded store: signed as MLflow signs, in order, once, whatever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.webhooks import constants, delivery, types

from lifecycle import outbox, webhook
from lifecycle.home import Home, open_home
from lifecycle.outbox import Outbox
from lifecycle.receiver import Receiver
from lifecycle.webhook import alias_moved, deliver, signature, undelivered
from tests.receiving import Inbox, receiving

SECRET = "k3y of the tests' receiver"  # noqa: S105 - made up


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving(SECRET) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, inbox: Inbox) -> Home:
    return open_home(tmp_path / "home", webhook=Receiver(url=inbox.url, secret=SECRET))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.0, 0.01, 0.02))


@given(st.text(), st.uuids(), st.integers(0, 2**33), st.text())
def test_the_signature_is_mlflows(secret: str, who: object, now: int, payload: str) -> None:
    """Whatever is signed: the receiver that checks MLflow's messages checks ours."""
    ours = signature(secret, str(who), str(now), payload)
    assert ours == delivery._generate_hmac_signature(secret, str(who), str(now), payload)


def test_headers_and_payload_are_mlflows(home: Home, inbox: Inbox) -> None:
    """The names of the headers, and the keys of what is said of an alias."""
    assert webhook.SIGNATURE == constants.WEBHOOK_SIGNATURE_HEADER
    assert webhook.TIMESTAMP == constants.WEBHOOK_TIMESTAMP_HEADER
    assert webhook.DELIVERY_ID == constants.WEBHOOK_DELIVERY_ID_HEADER
    alias_moved(home, "churn", "challenger", 7)
    alias_moved(home, "churn", "challenger", None)
    made, gone = (got.payload for got in inbox.got)
    assert list(made) == ["entity", "action", "timestamp", "data"]
    assert made["data"].keys() == types.ModelVersionAliasCreatedPayload.example().keys()
    assert gone["data"].keys() == types.ModelVersionAliasDeletedPayload.example().keys()
    assert (made["entity"], made["action"]) == ("model_version_alias", "created")
    assert gone["action"] == "deleted"
    assert made["data"] == {"name": "churn", "alias": "challenger", "version": "7"}


def test_a_move_is_said_once_in_order_and_signed(home: Home, inbox: Inbox) -> None:
    """There and back are three moves; saying one again, as after a kill, says nothing."""
    for alias, version in [("previous", 1), ("champion", 2), ("champion", 2), ("champion", 1)]:
        assert alias_moved(home, "churn", alias, version) == ""
    alias_moved(home, "churn", "champion", 2)
    assert [got.moved for got in inbox.got] == [
        ("created", "previous", "1"), ("created", "champion", "2"),
        ("created", "champion", "1"), ("created", "champion", "2"),
    ]  # fmt: skip
    assert all(got.genuine for got in inbox.got)
    assert len({got.id for got in inbox.got}) == 4
    assert undelivered(home) == ()


def test_a_receiver_that_fails_twice_is_told_by_the_same_call(home: Home, inbox: Inbox) -> None:
    """Under one delivery id, so that a receiver that did act on it knows it again."""
    inbox.answers = [500, 302]
    assert alias_moved(home, "churn", "champion", 1) == ""
    assert len(inbox.got) == 3
    assert len({got.id for got in inbox.got}) == 1
    assert {got.payload["timestamp"] for got in inbox.got} == {inbox.got[0].payload["timestamp"]}
    assert undelivered(home) == ()


def test_what_is_not_taken_waits_and_is_not_overtaken(home: Home, inbox: Inbox) -> None:
    """The next move sends both, the older first."""
    inbox.answers = [503, 503, 503]
    problem = alias_moved(home, "churn", "previous", 1)
    assert "answered 503" in problem
    (waiting,) = undelivered(home)
    assert (waiting.attempts, waiting.state) == (3, "waiting")
    inbox.got.clear()
    assert alias_moved(home, "churn", "champion", 2) == ""
    assert [got.moved[1] for got in inbox.got] == ["previous", "champion"]
    assert inbox.got[0].id == waiting.id


def test_nobody_there_is_a_sentence_without_secrets(home: Home) -> None:
    """Connection refused: no error, no path, no secret, neither said nor kept."""
    gone = Receiver(url="http://127.0.0.1:9/very-private-path", secret=SECRET)
    problem = alias_moved(replace(home, webhook=gone), "churn", "champion", 1)
    assert problem == (
        "The webhook is not delivered yet: http://127.0.0.1:9 could not be reached (ConnectError)."
    )
    kept = home.platform.read_bytes()
    assert b"very-private-path" not in kept
    assert SECRET.encode() not in kept


def test_a_receiver_that_never_answers_is_left_after_the_timeout(
    home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs is hung up on, and waits."""
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(webhook, "PAUSES", (0.0,))
    inbox.answers = [0]
    began = time.monotonic()
    assert "ReadTimeout" in alias_moved(home, "churn", "champion", 1)
    assert time.monotonic() - began < 60  # a machine that stalls; who hangs does it for longer
    assert len(undelivered(home)) == 1


def test_after_many_attempts_in_many_days_it_is_given_up(
    home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept and named, and what comes after it no longer waits for it."""
    monkeypatch.setattr(outbox, "MOST_ATTEMPTS", 3)
    inbox.answers = [500] * 3
    alias_moved(home, "churn", "previous", 1)
    inbox.answers = [500] * 3
    assert deliver(home) != ""  # many attempts, but written a moment ago
    monkeypatch.setattr(outbox, "OLDEST_SECONDS", -1.0)
    inbox.answers = [500]
    assert deliver(home) == ""
    (lost,) = undelivered(home)
    assert (lost.state, lost.about) == ("given up", "churn/previous")
    assert alias_moved(home, "churn", "champion", 2) == ""
    assert inbox.got[-1].moved == ("created", "champion", "2")


def test_without_a_receiver_and_against_a_server_nothing_is_sent(home: Home, inbox: Inbox) -> None:
    """A move of before there was a receiver is old news; a server sends its own."""
    alone = replace(home, webhook=None)
    assert alias_moved(alone, "churn", "champion", 1) == ""
    assert alias_moved(home, "churn", "champion", 1) == ""
    server = replace(home, tracking_uri="https://mlflow.example.org")
    assert alias_moved(server, "churn", "champion", 2) == ""
    assert deliver(server) == ""
    assert inbox.got == []
    assert undelivered(home) == ()


def test_what_cannot_be_written_down_is_said(home: Home) -> None:
    """A broken store costs the message, never the promotion."""
    home.root.mkdir()
    home.platform.write_bytes(b"no database at all, and longer than a header would be" * 40)
    assert "could not be written down" in alias_moved(home, "churn", "champion", 1)
    assert "not delivered yet" in deliver(home)


SENDER = """
import sys
from pathlib import Path
from lifecycle.home import open_home
from lifecycle.receiver import Receiver
from lifecycle.webhook import alias_moved
home = open_home(Path(sys.argv[1]), webhook=Receiver(url=sys.argv[2], secret=sys.argv[3]))
alias_moved(home, "churn", "champion", 3)
"""


def test_a_killed_senders_message_is_sent_by_the_next(home: Home, inbox: Inbox) -> None:
    """`kill -9` while the receiver thinks: the same message, the same id, no lock left behind."""
    inbox.answers = [0]
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(home.root), inbox.url, SECRET],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert inbox.arrived.wait(120)
    (waiting,) = Outbox(home.platform).waiting()
    sender.kill()
    sender.wait()
    assert deliver(home) == ""
    first, second = inbox.got
    assert (first.id, first.payload) == (second.id, second.payload)
    assert first.id == waiting.id
    assert second.genuine
    assert undelivered(home) == ()
