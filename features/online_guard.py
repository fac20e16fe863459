"""Write customers into Redis in whole, and never an older row over a newer one."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from redis import ConnectionPool

from features.online_port import Layout, Micros
from features.online_wire import (
    bulk,
    command,
    field_of,
    micros_in,
    receive,
    time_field,
    value_in,
)
from lifecycle.errors import Busy

# Customers in one transaction: Redis answers nobody else meanwhile, about 20 µs a customer.
AT_ONCE = 100
ATTEMPTS = 200
# Connections of one write: one is looked at, one written, one encoded for.
LINES = 3
LONGEST_WAIT_SECONDS = 0.01
MULTI, EXEC = command(b"MULTI"), command(b"EXEC")


# One view of one customer, ready to write: its place among the guards of the write, its moment,
# and field and value in turns, the time first, as words of a command. A plain tuple: there are
# millions of them.
ViewWrite = tuple[int, Micros, bytes]


@dataclass(frozen=True)
class Guard:
    """What decides whether a view's row may be written, and how many words it has.

    Attributes:
        others: fields of other definitions' markers, which go when a row is written.
    """

    view: str
    marker: bytes | None
    words: int
    others: tuple[bytes, ...] = ()

    @staticmethod
    def of(layout: Layout, others: tuple[bytes, ...] = ()) -> Guard:
        marker = field_of(layout.view, layout.marker) if layout.marker else None
        return Guard(layout.view, marker, 2 + 2 * len(layout.fields), others)

    def refuses(self, moment: Micros, stored: bytes | None, marker: bytes | None) -> bool:
        """Whether the row that is stored is newer.

        It is of no use to anybody, whatever its time, when the marker is lacking or tells another
        moment: then another definition wrote it. Of two definitions the last to write holds the
        row, as in our SQLite store.
        """
        if not stored:
            return False
        known = micros_in(stored)
        return known > moment and (self.marker is None or value_in(marker) == known)


Write = tuple[bytes, Sequence[ViewWrite]]


def write_guarded(
    pool: ConnectionPool, guards: Sequence[Guard], writes: Iterable[Write], ttl: int | None
) -> list[int]:
    """Write customers that nothing newer is known of; how many rows of each guard were taken.

    All that is written of a customer is one HSET; the transaction holds it and the HDEL of other
    definitions' markers. Watched keys make check and write one step:
    when anybody else writes one of them in between, Redis drops the transaction, and it is
    checked again. Three connections take turns, so that Redis works while we encode; threads of
    ours would wait for each other instead.

    Args:
        pool: of the connections.
        guards: one a view.
        writes: each customer once; made while Redis works, if they are made lazily.
        ttl: seconds after which Redis forgets a customer.

    Raises:
        Busy: others write the same customers all the time.
    """
    lines: list[Any] = []
    taken = [0] * len(guards)
    turns: deque[Turn] = deque()
    rest = iter(writes)
    try:
        while some := list(islice(rest, AT_ONCE)):
            if len(turns) == LINES:
                first = turns.popleft()
                first.count(taken)
                line = first.line
            else:
                line = pool.get_connection()
                lines.append(line)
            turns.append(Turn(line, guards, some, ttl))
            if len(turns) > 1:
                turns[-2].commit()
        for turn in turns:
            turn.count(taken)
    except BaseException:
        # What was not read would answer the next question.
        for line in lines:
            line.disconnect()
        raise
    finally:
        for line in lines:
            pool.release(line)
    return taken


class Turn:
    """Some customers on a connection: looked at, written, and again if they were overtaken."""

    def __init__(
        self, line: Any, guards: Sequence[Guard], writes: Sequence[Write], ttl: int | None
    ) -> None:
        self.line, self.guards, self.writes, self.ttl = line, guards, writes, ttl
        self._taken: list[int] = []
        self._replies = 0
        self.look()

    def look(self) -> None:
        """Watch the customers and ask when they were written."""
        fields = [
            field for one in self.guards for field in (time_field(one.view), one.marker or b"")
        ]
        head, tail = b"*%d\r\n$5\r\nHMGET\r\n" % (2 + len(fields)), b"".join(map(bulk, fields))
        keys = [key for key, _ in self.writes]
        asked = b"".join([head + bulk(key) + tail for key in keys])
        self.line.send_packed_command([command(b"WATCH", *keys) + asked])

    def commit(self) -> None:
        """Write, in one transaction, what nothing newer is known of; once."""
        if self._replies:
            return
        _, *stored = receive(self.line, 1 + len(self.writes))
        allowed = [
            (key, self._allowed(views, found))
            for (key, views), found in zip(self.writes, stored, strict=True)
        ]
        commands = [hset(key, self.guards, views) for key, views in allowed if views]
        if any(guard.others for guard in self.guards):
            commands += [one for key, views in allowed for one in self._disowned(key, views)]
        if self.ttl:
            seconds = b"%d" % self.ttl
            commands += [command(b"EXPIRE", key, seconds) for key, views in allowed if views]
        self._taken = [place for _, views in allowed for place, _, _ in views]
        self._replies = len(commands) + 2
        self.line.send_packed_command([b"".join((MULTI, *commands, EXEC))])

    def _disowned(self, key: bytes, views: Sequence[ViewWrite]) -> list[bytes]:
        gone = [field for place, _, _ in views for field in self.guards[place].others]
        return [command(b"HDEL", key, *gone)] if gone else []

    def _allowed(self, views: Sequence[ViewWrite], found: Sequence[Any]) -> Sequence[ViewWrite]:
        if not any(found):
            return views
        return [
            (place, moment, words)
            for place, moment, words in views
            if not self.guards[place].refuses(moment, *found[2 * place : 2 * place + 2])
        ]

    def count(self, taken: list[int]) -> None:
        """Wait until it is written, and add the rows taken to those of each guard."""
        for _ in range(ATTEMPTS):
            self.commit()
            if self._written():
                for place in self._taken:
                    taken[place] += 1
                return
            time.sleep(random.random() * LONGEST_WAIT_SECONDS)  # noqa: S311  no secret
            self.look()
        raise Busy(
            "The online store's customers are written by others all the time.",
            found=f"{ATTEMPTS} attempts, each overtaken.",
            do="Try again when they have ended.",
        )

    def _written(self) -> bool:
        done = receive(self.line, self._replies)[-1]
        self._replies = 0
        for failure in (reply for reply in done or () if isinstance(reply, Exception)):
            raise failure
        return done is not None


def hset(key: bytes, guards: Sequence[Guard], views: Sequence[ViewWrite]) -> bytes:
    words = 2 + sum([guards[place].words for place, _, _ in views])
    body = b"".join([words for _, _, words in views])
    return b"*%d\r\n$4\r\nHSET\r\n$%d\r\n%s\r\n%s" % (words, len(key), key, body)
