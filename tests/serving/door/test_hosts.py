"""serving.door.hosts: foreign names and other sites' pages are turned away."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.door.hosts import HostCheck, Hosts, hostname
from tests.serving.door.asking import Inner, ask

OURS = Hosts(frozenset({"onramp.example"}))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200), ("LOCALHOST", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200),
        ("192.168.7.7", 200), ("onramp.example", 200), ("OnRamp.Example.:443", 200),
        ("evil.example", 421), ("onramp.example.evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421), ("", 421), ("localhost/x", 421), ("a@localhost", 421),
        ("[::1", 421),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(host: str, status: int) -> None:
    """A name that was merely pointed here gets 421, and the app never sees the request."""
    inner = Inner()
    answer = ask(HostCheck(inner, OURS), "/ready", method="GET", headers={"Host": host})
    assert answer.status_code == status
    assert inner.reached == (status == 200)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200), ("http://localhost:8000", 200), ("https://onramp.example", 200),
        ("http://localhost:3000", 403), ("https://evil.example", 403), ("null", 403), ("", 403),
        ("file://localhost:8000", 403), ("http://192.168.7.7", 403),
    ],
)  # fmt: skip
def test_only_our_own_pages_may_change_something(origin: str | None, status: int) -> None:
    """A form on another site reaches the server but not the app; looking is not changing."""
    headers = {} if origin is None else {"Origin": origin}
    app = HostCheck(Inner(), OURS)
    assert ask(app, headers=headers).status_code == status
    assert ask(app, "/ready", method="GET", headers=headers).status_code == 200


@given(text=st.text(max_size=40))
@settings(deadline=None)
def test_any_host_is_read_or_is_nobody(text: str) -> None:
    """No header makes the check fall over, and nothing random means us."""
    assert isinstance(hostname(text), str)
    assert not Hosts().takes(f"{text}.example")
