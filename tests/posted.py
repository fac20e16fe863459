"""A real HTTP receiver that keeps what is posted to it, whatever kind of message that is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Posted:
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Postbox:
    """What came, and what the next requests are answered with: 200 when nothing is said.

    0: no answer ever; -1: one byte of a header every tenth of a second.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[Posted] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def posted() -> Iterator[Postbox]:
    """A receiver on a private port, at a path that nobody should see."""
    box = Postbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            box.got.append(Posted(named, content))
            box.arrived.set()
            answer = box.answers.pop(0) if box.answers else 200
            if answer <= 0:
                self.hang(trickle=answer < 0)
                return
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def hang(self, *, trickle: bool) -> None:
            try:
                while not box.stopped.wait(0.1):
                    if trickle:
                        self.wfile.write(b"X")
                        self.wfile.flush()
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    box.url = f"http://127.0.0.1:{server.server_address[1]}/hook/very-private-path"
    try:
        yield box
    finally:
        box.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
