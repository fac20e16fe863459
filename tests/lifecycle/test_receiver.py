"""A webhook's receiver: sent to safely or refused, and never printed whole."""

from __future__ import annotations

import pytest

from lifecycle.errors import UsageError
from lifecycle.receiver import Receiver, receiver

SECRET = "s3cret of the receiver"  # noqa: S105 - made up


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/x/1",
        "https://10.0.0.8",
        "http://127.0.0.1:9/x",
        "http://[::1]:9/",
    ],
)
def test_an_address_that_nobody_can_listen_to_is_taken(url: str) -> None:
    """TLS anywhere; in the open only where the address itself is this machine's."""
    assert Receiver(url=url, secret=SECRET).url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.org/private", "in the open to hooks.example.org"),
        ("http://localhost:9/private", "in the open to localhost"),  # whatever it resolves to
        ("http://127.0.0.1.example.org/private", "in the open"),
        ("https://somebody:password@example.org/private", "a user name or a password"),
        ("ftp://example.org/private", "scheme is ftp"),
        ("/private", "scheme is missing"),
        ("https:///private", "no host"),
        ("https://[::1/private", "not an address"),
        ("https://example.org:port/private", "not an address"),
    ],
)
def test_another_address_is_refused_without_being_shown(url: str, why: str) -> None:
    """The error says why, and shows neither the path nor a password."""
    with pytest.raises(UsageError, match="cannot be used") as caught:
        Receiver(url=url, secret=SECRET)
    assert why in str(caught.value)
    assert "private" not in str(caught.value)
    assert "password@" not in str(caught.value)


def test_address_and_secret_come_together() -> None:
    """Neither is nobody to tell; one alone is a mistake."""
    assert receiver("", "") is None
    assert receiver("https://example.org/x", SECRET) is not None
    with pytest.raises(UsageError, match="no secret"):
        receiver("https://example.org/x", "")
    with pytest.raises(UsageError, match="no address"):
        receiver("", SECRET)


def test_a_receiver_can_be_printed() -> None:
    """Neither the path, which may be a key, nor the secret."""
    made = Receiver(url="https://example.org:8443/private", secret=SECRET)
    assert SECRET not in repr(made)
    assert "private" not in repr(made)
    assert made.origin == "https://example.org:8443"
