"""What `onramp status` says of webhooks that nobody took."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle import webhook
from lifecycle.home import open_home
from lifecycle.receiver import Receiver
from lifecycle.webhook import alias_moved
from onramp.options import Place
from onramp.verbs.status import attention, untold
from tests.receiving import receiving

SECRET = "k3y of the receiver"  # noqa: S105 - made up


def test_a_webhook_that_waits_is_tried_again_and_else_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody listens it is a line; once somebody does, it is sent and the line is gone."""
    monkeypatch.setattr(webhook, "PAUSES", (0.0,))
    nobody = Receiver(url="http://127.0.0.1:9/private", secret=SECRET)
    home = open_home(tmp_path / "home", webhook=nobody)
    alias_moved(home, "churn", "champion", 2)
    place = Place(home=home, actor="ann", host="", port=0, as_json=False)
    (line,) = untold(place)
    assert line == (
        "The webhook about churn/champion is waiting, after 2 attempts: "
        "http://127.0.0.1:9 could not be reached (ConnectError)."
    )
    assert line in attention((), (line,))
    with receiving(SECRET) as inbox:
        listening = replace(home, webhook=Receiver(url=inbox.url, secret=SECRET))
        assert untold(replace(place, home=listening)) == ()
        assert [got.moved for got in inbox.got] == [("created", "champion", "2")]
    assert attention(()) == []
