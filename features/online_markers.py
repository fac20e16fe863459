"""Which definitions of a view have rows in Redis, and until which moment.

A customer's hash holds one time a view, and one marker a definition. Whoever writes a row takes
the markers of the other definitions away in the same step: one that told the same moment would
pass the new values off as its own definition's. Definitions whose newest moment lies before all
that is written have no such marker, so that the list of those to look for stays short.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from features.online_port import Layout, Micros
from features.online_wire import field_of


def names_key(project: str, view: str) -> str:
    return f"_markers:{project}:{view}"


def others(
    client: Redis, project: str, layout: Layout, span: tuple[Micros, Micros]
) -> tuple[bytes, ...]:
    """Note that a definition writes, and find the others that may have the same moments.

    Noted before it is asked: of two writers at once, one finds the other.

    Args:
        client: of the store.
        project: Feast's.
        layout: of the view by the definition that writes.
        span: its oldest and its newest moment, µs; a double holds them.

    Returns:
        Fields of the markers to delete.
    """
    if layout.marker is None:
        return ()
    oldest, newest = span
    name = names_key(project, layout.view)
    with client.pipeline() as pipe:
        pipe.zadd(name, {layout.marker: newest}, gt=True)
        pipe.zrange(name, oldest, "+inf", byscore=True)
        *_, found = pipe.execute()
    markers: Sequence[str] = [one.decode() if isinstance(one, bytes) else one for one in found]
    return tuple(field_of(layout.view, one) for one in markers if one != layout.marker)
