"""A real SMTP receiver (RFC 5321) on loopback; it speaks STARTTLS, TLS and AUTH PLAIN."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Mail:
    """One mail as the server took it."""

    sender: str
    to: tuple[str, ...]
    encrypted: bool
    login: str
    message: EmailMessage


@dataclass
class Mailbox:
    """What came. `refuse`: answered to RCPT with 550; `silent`: nothing is ever said."""

    port: int = 0
    refuse: bool = False
    silent: bool = False
    got: list[Mail] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mail_receiving(
    certificate: Path | None = None, *, tls: bool = False, silent: bool = False
) -> Iterator[Mailbox]:
    """A receiver on a private port.

    Args:
        certificate: PEM of key and certificate; None: no STARTTLS.
        tls: whether it speaks TLS from the first byte.
        silent: whether it never says a word.
    """
    box = Mailbox(silent=silent)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if box.silent:
                box.stopped.wait(60)
                return
            with suppress(OSError), closing(Session(self.request, box)) as session:
                session.run(context, tls=tls)  # an OSError: the other side hung up

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield box
    finally:
        box.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Session:
    """One connection."""

    def __init__(self, raw: Any, box: Mailbox) -> None:
        self.raw, self.box, self.encrypted = raw, box, False
        self.context: ssl.SSLContext | None = None
        self.lines = self.raw.makefile("rb")
        self.login, self.sender, self.to = "", "", []

    def encrypt(self) -> None:
        assert self.context is not None
        self.lines.close()
        self.raw = self.context.wrap_socket(self.raw, server_side=True)
        self.lines, self.encrypted = self.raw.makefile("rb"), True

    def close(self) -> None:
        self.lines.close()
        self.raw.close()

    def say(self, *lines: str) -> None:
        text = [f"{line[:3]}-{line[4:]}" for line in lines[:-1]] + [lines[-1]]
        self.raw.sendall("".join(f"{line}\r\n" for line in text).encode())

    def run(self, context: ssl.SSLContext | None, *, tls: bool) -> None:
        self.context = context
        if tls:
            self.encrypt()
        self.say("220 receiver of the tests")
        while line := self.lines.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                self.say("221 bye")
                return
            self.obey(verb.upper(), rest)

    def obey(self, verb: str, rest: str) -> None:
        if verb == "EHLO":
            offered = ["250 STARTTLS"] if self.context and not self.encrypted else []
            self.say("250 receiver", *offered, "250 AUTH PLAIN", "250 8BITMIME")
        elif verb == "STARTTLS" and self.context:
            self.say("220 go on")
            self.encrypt()
        elif verb == "AUTH":
            _, user, word = base64.b64decode(rest.split()[1]).split(b"\0")
            self.login = f"{user.decode()}:{word.decode()}"
            self.say("235 welcome" if word == b"right" else "535 no")
        elif verb == "MAIL":
            self.sender, self.to = rest[len("FROM:<") :].partition(">")[0], []
            self.say("250 ok")
        elif verb == "RCPT":
            self.to.append(rest[len("TO:<") :].partition(">")[0])
            self.say("550 no such user" if self.box.refuse else "250 ok")
        elif verb == "DATA":
            self.say("354 go on")
            self.take()
        else:
            self.say("250 ok")

    def take(self) -> None:
        content = b""
        while (line := self.lines.readline()) != b".\r\n":
            content += line[1:] if line.startswith(b".") else line
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.box.got.append(Mail(self.sender, tuple(self.to), self.encrypted, self.login, message))
        self.say("250 taken")


def certificate_for_loopback(path: Path) -> Path:
    """A new key with its own certificate for 127.0.0.1, as PEM; who trusts the file trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path
