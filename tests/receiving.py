"""A real HTTP receiver of webhooks, which checks each signature as MLflow's manual says to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OLD_SECONDS = 300


@dataclass(frozen=True)
class Got:
    """One request: whether its signature and its time were right, and what it said."""

    genuine: bool
    id: str
    payload: dict[str, Any]

    @property
    def moved(self) -> tuple[str, str, str | None]:
        """(action, alias, version)"""
        data = self.payload["data"]
        return self.payload["action"], data["alias"], data.get("version")


@dataclass
class Inbox:
    """What came, and what the next requests are answered with (200 when nothing is said)."""

    secret: str
    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    stalled: threading.Event = field(default_factory=threading.Event)

    def wait(self, count: int, seconds: float = 20.0) -> list[Got]:
        """The requests, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.got) >= count, f"{len(self.got)} of {count} webhooks came"
        return self.got

    def take(self, headers: Any, body: bytes) -> int:
        """Check one request and choose its answer."""
        sent_id, sent_at = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
        signed = f"{sent_id}.{sent_at}.".encode() + body
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        genuine = (
            hmac.compare_digest(expected, headers["X-MLflow-Signature"] or "")
            and abs(time.time() - int(sent_at)) < OLD_SECONDS
            and headers["Content-Type"] == "application/json"
        )
        self.got.append(Got(genuine=genuine, id=sent_id, payload=json.loads(body)))
        self.arrived.set()
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def receiving(secret: str) -> Iterator[Inbox]:
    """A receiver on a private port; an answer of 0 is one that never comes."""
    inbox = Inbox(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = inbox.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            if not answer:
                inbox.stalled.wait(120)
                return
            self.send_response(answer)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_address[1]}/hook/very-private-path"
    try:
        yield inbox
    finally:
        inbox.stalled.set()
        server.shutdown()
        thread.join()
        server.server_close()
