"""The server's process: binds, answers, and on SIGTERM or SIGINT finishes what it began."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

import uvicorn

from lifecycle.errors import Busy, UsageError
from lifecycle.home import Home
from lifecycle.task import Task
from serving.app import build_app
from serving.door.entry import Door
from serving.door.hosts import Hosts
from serving.door.log_lines import LINES

GRACE_SECONDS = 10

# A thread that wants the interpreter waits this long before it is handed over; Python's own 5 ms
# would be what a request waits for whenever the log is written or a reason worked out.
SWITCH_SECONDS = 0.0005


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
    door: Door | None = None,
) -> None:
    """Answer over HTTP until SIGTERM or SIGINT; then finish open requests and flush the log.

    Args:
        home: whose champions answer.
        tasks: adapted to the home's data set; the first is the one `/invocations` means.
        host: address to bind.
        port: 0 takes a free one; the printed line says which.
        public: allow an address that other machines can reach.
        door: who may ask, and how much; default: anybody on this machine, within the usual limits.

    Raises:
        UsageError: the address is not this machine's own and either `public` was not said or
            nobody would be asked for a token, or it cannot be bound.
        Busy: something else listens there.
    """
    door = door or Door()
    refuse_exposed(host, door, public=public)
    app = build_app(home, tasks, door=named(door, host))
    bound = bind(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=dict(LINES),
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    before = {number: signal.signal(number, ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    switch = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        Server(config).run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.setswitchinterval(switch)
        bound.close()


def refuse_exposed(host: str, door: Door, *, public: bool) -> None:
    """Others reach the server only where that was said, and only with a token.

    Raises:
        UsageError: what is missing of the two.
    """
    if is_loopback(host):
        return
    if not public:
        raise UsageError(
            f"{host} can be reached by other machines.",
            do="Bind 127.0.0.1, or say --public and give --tokens FILE.",
        )
    if door.tokens is None and not door.without_tokens:
        raise UsageError(
            f"Everybody who reaches {host} could ask anything.",
            found="There are no tokens.",
            do="Give --tokens FILE; or say --no-tokens if a proxy in front asks who is there.",
        )


def named(door: Door, host: str) -> Door:
    """The door with the names that the server answers to.

    With tokens, and without names of its own, it answers to any: a page that reaches it by a
    name of its own has no token to show.
    """
    if door.tokens is not None and not door.names:
        return door
    names = frozenset(name.lower().rstrip(".") for name in (host, *door.names))
    return replace(door, hosts=Hosts(names))


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
