"""Who is told when an alias moves: an address and the secret that the message is signed with."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from lifecycle.errors import UsageError

FORM = "Write ONRAMP_WEBHOOK_URL as https://host/path, or http://127.0.0.1:port/path."


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A webhook's address and secret; neither is ever printed whole, for both may open doors.

    Attributes:
        url: `https`; `http` only where it names a loopback address, which nobody can listen to.
        secret: what the message is signed with; the receiver knows it too.

    Raises:
        UsageError: an address that cannot be sent to safely, or no secret.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        fault = fault_of(self.url)
        if fault:
            raise UsageError("The webhook's address cannot be used.", found=fault, do=FORM)
        if not self.secret:
            raise UsageError(
                "The webhook has no secret.",
                found="ONRAMP_WEBHOOK_URL is set and ONRAMP_WEBHOOK_SECRET is not.",
                do="Set both, or neither: what is not signed could be anybody's.",
            )

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a message may show of the address."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def local(self) -> bool:
        """Whether the address itself says that it stays on this machine."""
        return loopback(urlsplit(self.url))


def fault_of(url: str) -> str:
    """Why the address cannot be sent to; empty when it can. Shows nothing of its path."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "It is not an address."
    if parts.scheme not in {"http", "https"}:
        return f"Its scheme is {parts.scheme or 'missing'}."
    if not host:
        return "It names no host."
    if "@" in parts.netloc:
        return "It holds a user name or a password, which would stand in every log of it."
    if parts.scheme == "http" and not loopback(parts):
        return f"It would send the message in the open to {host}."
    return ""


def loopback(parts: SplitResult) -> bool:
    """Whether the address says itself that it stays on this machine; names are not looked up."""
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def receiver(url: str, secret: str) -> Receiver | None:
    """The receiver that two settings name; None: nobody is told.

    Raises:
        UsageError: one is set without the other, or the address cannot be used.
    """
    if secret and not url:
        raise UsageError(
            "The webhook has a secret but no address.",
            found="ONRAMP_WEBHOOK_SECRET is set and ONRAMP_WEBHOOK_URL is not.",
            do="Set both, or neither.",
        )
    return Receiver(url=url, secret=secret) if url else None
