"""The server's process: binds, answers, and on SIGTERM or SIGINT finishes what it began."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import sys
from collections.abc import Sequence

import uvicorn

from lifecycle.errors import Busy, UsageError
from lifecycle.home import Home
from lifecycle.task import Task
from serving.app import build_app

GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Says where to ask once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(
                f"Onramp answers at http://{shown}:{port} "
                f"(try /ready, /api/personalization/CUSTOMER; stop with Ctrl-C)\n"
            )
            sys.stdout.flush()


def serve(
    home: Home,
    tasks: Sequence[Task],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    public: bool = False,
) -> None:
    """Answer over HTTP until SIGTERM or SIGINT; then finish open requests and flush the log.

    Args:
        home: whose champions answer.
        tasks: adapted to the home's data set; the first is the one `/invocations` means.
        host: address to bind.
        port: 0 takes a free one; the printed line says which.
        public: allow an address that other machines can reach.

    Raises:
        UsageError: the address is not this machine's own and `public` was not said, or it
            cannot be bound.
        Busy: something else listens there.
    """
    if not public and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached by other machines.",
            found="The server asks nobody who they are.",
            do="Bind 127.0.0.1, or say --public if a proxy in front of it does.",
        )
    app = build_app(home, tasks)
    bound = bind(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    before = {number: signal.signal(number, ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        Server(config).run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        bound.close()


def ignore(number: int, frame: object) -> None:
    """Uvicorn raises the signal again when it has stopped; by then it has been obeyed."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address.

    Raises:
        UsageError: there is no such address here, or no right to bind it.
        Busy: something else listens there.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return bound_to(address, socket.socket(family, kind))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Busy(
                f"Port {port} of {host} is taken.",
                found="Something else listens there.",
                do="Stop it, or choose another with --port (0: any free one).",
            ) from error
        raise UsageError(f"{host}:{port} cannot be bound.", found=f"{error}.") from error


def bound_to(address: object, free: socket.socket) -> socket.socket:
    """The socket, bound, or closed again."""
    try:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(address)  # type: ignore[arg-type]  # getaddrinfo's own answer
    except OSError:
        free.close()
        raise
    return free
