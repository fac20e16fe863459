"""Pages for whoever sits at this machine: bound to 127.0.0.1, under names of this machine alone."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lifecycle.errors import Busy
from lifecycle.home import Home
from onramp.exposition import exposition
from serving.door.hosts import HostCheck, Hosts

HOST = "127.0.0.1"
KIND = "text/plain; version=0.0.4; charset=utf-8"
START_SECONDS = 60.0


def metrics_route(home: Home) -> Route:
    """`/metrics`, read when it is asked for."""

    def answer(_: Request) -> Response:
        return Response(exposition(home), media_type=KIND, headers={"Cache-Control": "no-store"})

    return Route("/metrics", answer, methods=["GET"])


def app(routes: Sequence[BaseRoute]) -> Starlette:
    """The routes, closed to a page that calls itself by another name (DNS rebinding)."""
    return Starlette(routes=list(routes), middleware=[Middleware(HostCheck, hosts=Hosts())])


@contextmanager
def shown(pages: Starlette, port: int) -> Iterator[str]:
    """Show the pages beside the block, by a thread; gives their address.

    Raises:
        Busy: something else listens on the port.
    """
    bound = listening(port)
    server = uvicorn.Server(
        uvicorn.Config(pages, log_level="error", access_log=False, lifespan="off")
    )
    # uvicorn's `run` takes the signals over, and those are the caller's
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield f"http://{HOST}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def listening(port: int) -> socket.socket:
    """A socket on this machine's own address; not `serving.server`'s, which brings MLflow along.

    Raises:
        Busy: something else listens there.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Busy(
            f"Port {port} of {HOST} is taken.",
            found="Something else listens there.",
            do="Stop it, or choose another with --port (0: any free one).",
        ) from error
