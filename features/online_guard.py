"""Write customers into Redis in whole, and never an older row over a newer one."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import ConnectionPool

from features.online_port import Layout, Micros
from features.online_wire import (
    bulk,
    command,
    converse,
    field_of,
    micros_in,
    time_field,
)
from lifecycle.errors import Busy

# Customers in one transaction: Redis answers nobody else meanwhile, about 20 µs a customer.
AT_ONCE = 100
ATTEMPTS = 200
LONGEST_WAIT_SECONDS = 0.01


@dataclass(frozen=True)
class ViewWrite:
    """One view of one customer, ready to write.

    Attributes:
        place: of the view among the `Guard`s of the write.
        words: field and value in turns, the time first, as words of a command.
    """

    place: int
    moment: Micros
    words: bytes


@dataclass(frozen=True)
class Guard:
    """What decides whether a view's row may be written, and how many words it has."""

    view: str
    marker: bytes | None
    fields: int

    @staticmethod
    def of(layout: Layout) -> Guard:
        marker = field_of(layout.view, layout.marker) if layout.marker else None
        return Guard(layout.view, marker, len(layout.fields))

    def refuses(self, moment: Micros, stored: bytes | None, marker: bytes | None) -> bool:
        """Whether the row that is stored is newer.

        It is of no use to anybody, whatever its time, when it lacks the marker: then it was
        written by another definition.
        """
        if not stored or (self.marker is not None and not marker):
            return False
        return micros_in(stored) > moment


Write = tuple[bytes, Sequence[ViewWrite]]


def write_guarded(
    pool: ConnectionPool, guards: Sequence[Guard], writes: Sequence[Write], ttl: int | None
) -> list[int]:
    """Write customers that nothing newer is known of; how many rows of each guard were taken.

    All that is written of a customer is one HSET. Watched keys make check and write one step:
    when anybody else writes one of them in between, Redis drops the transaction, and it is
    checked again.

    Raises:
        Busy: others write the same customers all the time.
    """
    connection: Any = pool.get_connection()
    try:
        taken = [0] * len(guards)
        for at in range(0, len(writes), AT_ONCE):
            for place in write_some(connection, guards, writes[at : at + AT_ONCE], ttl):
                taken[place] += 1
        return taken
    finally:
        pool.release(connection)


def write_some(
    connection: Any, guards: Sequence[Guard], writes: Sequence[Write], ttl: int | None
) -> list[int]:
    looked_at = [
        field for guard in guards for field in (time_field(guard.view), guard.marker or b"")
    ]
    tail = b"".join(map(bulk, looked_at))
    look = command(b"WATCH", *(key for key, _ in writes)) + b"".join(
        b"*%d\r\n$5\r\nHMGET\r\n%s%s" % (2 + len(looked_at), bulk(key), tail) for key, _ in writes
    )
    for _ in range(ATTEMPTS):
        _, *stored = converse(connection, look, 1 + len(writes))
        allowed = [
            (key, [one for one in views if not guards[one.place].refuses(
                one.moment, *found[2 * one.place : 2 * one.place + 2])])
            for (key, views), found in zip(writes, stored, strict=True)
        ]  # fmt: skip
        if commit(connection, guards, [(key, views) for key, views in allowed if views], ttl):
            return [one.place for _, views in allowed for one in views]
        time.sleep(random.random() * LONGEST_WAIT_SECONDS)  # noqa: S311  who goes first is no secret
    raise Busy(
        "The online store's customers are written by others all the time.",
        found=f"{ATTEMPTS} attempts, each overtaken.",
        do="Try again when they have ended.",
    )


def commit(
    connection: Any, guards: Sequence[Guard], writes: Sequence[Write], ttl: int | None
) -> bool:
    """Write in one transaction; False when a watched key was written by somebody else."""
    commands = [hset(key, guards, views) for key, views in writes]
    if ttl:
        commands += [command(b"EXPIRE", key, b"%d" % ttl) for key, _ in writes]
    payload = command(b"MULTI") + b"".join(commands) + command(b"EXEC")
    done = converse(connection, payload, len(commands) + 2)[-1]
    for failure in (reply for reply in done or () if isinstance(reply, Exception)):
        raise failure
    return done is not None


def hset(key: bytes, guards: Sequence[Guard], views: Sequence[ViewWrite]) -> bytes:
    words = 2 + sum(2 + 2 * guards[one.place].fields for one in views)
    head = b"*%d\r\n$4\r\nHSET\r\n%s" % (words, bulk(key))
    return b"".join((head, *(one.words for one in views)))
