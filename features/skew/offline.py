"""What the offline world says of requests, and which differences it explains.

Promotion asks before it moves a champion, and monitoring asks each window.

Three things are no skew, and would make every look a false alarm. Features whose definition has
changed since the version learned them are left out. An event that came in after the answer may
change the offline row: the request is set aside, if the answer is what was known then
(`features.skew.arrivals` proves it). And of a customer whose newer row is in quarantine the
online store serves what there is: that is held against the same mixture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features import store
from features.built import built
from features.skew.arrivals import states
from features.skew.request import Request, plain
from features.tables import Table, keys_sql, tables
from lifecycle.gate.evidence import Mismatch
from lifecycle.gate.replayed import tolerated
from lifecycle.home import Home
from lifecycle.prediction import FeatureValue
from lifecycle.version_files import redefined

Vector = Mapping[str, FeatureValue]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A request beside its offline vector.

    Attributes:
        names: the features that can be compared.
    """

    request: Request
    names: tuple[str, ...]
    offline: Vector


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Requests, held against the offline world.

    Attributes:
        pairs: those that something offline is known of.
        unknown: how many are of somebody whom the event store does not know.
        late: how many pairs were set aside, because something arrived after the answer.
        mismatches: in the order of the requests, those of nobody first.
    """

    pairs: Sequence[Pair]
    unknown: int
    late: int
    mismatches: Sequence[Mismatch]

    @property
    def compared(self) -> int:
        return len(self.pairs) - self.late + self.unknown


def compare(
    home: Home,
    task: str,
    asked: Sequence[Request],
    names: Sequence[tuple[str, ...]],
    tolerance: float,
) -> Compared:
    """Hold requests against the offline world.

    Args:
        home: with applied features.
        task: whose service answered.
        asked: what was answered.
        names: features of each request that can be compared; without any it is left out.
        tolerance: of two numbers.
    """
    pairs, unknown = [], []
    for one, known, vector in zip(asked, names, vectors(home, task, asked), strict=True):
        if vector is None and one.logged:
            unknown.append(nobody(one))
        elif vector is not None and known:
            pairs.append(Pair(request=one, names=known, offline=vector))
    late, differing = sort_out(home, task, pairs, tolerance)
    return Compared(pairs=pairs, unknown=len(unknown), late=late, mismatches=(*unknown, *differing))


def comparable(
    names: Iterable[str], learned: Mapping[str, str], today: Mapping[str, str]
) -> tuple[str, ...]:
    """The features that are computed today as they were when a version learned them.

    Of a version of before definitions were kept nothing is known: all are compared.

    Args:
        names: its features.
        learned: feature → hash of its definition then.
        today: feature → hash of its definition, as Feast was told.
    """
    changed = redefined(learned, today)
    return tuple(name for name in names if name in today and name not in changed)


def nobody(request: Request) -> Mismatch:
    """Of somebody who was answered, and whom the event store does not know."""
    return Mismatch(
        customer_id=request.customer_id, at=request.at.isoformat(), what="feature",
        name="customer_id", online=request.customer_id, offline=None,
    )  # fmt: skip


def sort_out(
    home: Home, task: str, pairs: Sequence[Pair], tolerance: float
) -> tuple[int, list[Mismatch]]:
    """How many pairs are late, and the differences of all others.

    What differs is looked into before it is called a difference.
    """
    found = {place: differences(pair, tolerance) for place, pair in enumerate(pairs)}
    odd = [place for place, several in found.items() if several]
    mixed = beside_quarantine(home, task, [pairs[place] for place in odd])
    odd = [
        place
        for place, others in zip(odd, mixed, strict=True)
        if all(differences(replace(pairs[place], offline=one), tolerance) for one in others)
    ]
    excused = late(home, [pairs[place] for place in odd], tolerance)
    wrong = [place for place, fine in zip(odd, excused, strict=True) if not fine]
    return sum(excused), [one for place in wrong for one in found[place]]


def differences(pair: Pair, tolerance: float) -> list[Mismatch]:
    """The features in which a request and its offline vector differ, in the version's order."""
    found = [
        Mismatch(
            customer_id=pair.request.customer_id,
            at=pair.request.at.isoformat(),
            what="feature",
            name=name,
            online=pair.request.vector.get(name),
            offline=pair.offline.get(name),
        )
        for name in pair.names
    ]
    return [one for one in found if not tolerated(one, tolerance)]


def keys(asked: Sequence[Request]) -> pd.DataFrame:
    """customer_id, event_timestamp of requests, in order."""
    moments = pd.DatetimeIndex([one.at for one in asked]).tz_convert("UTC").as_unit("us")
    return pd.DataFrame(
        {"customer_id": [one.customer_id for one in asked], "event_timestamp": moments}
    )


def vectors(home: Home, task: str, asked: Sequence[Request]) -> list[Vector | None]:
    """The service's offline vector of each request's customer and moment.

    As training reads it where the moment is built in every view. Where it no longer is, because
    a definition has changed since and rows of another definition are another table, it is
    computed by today's definitions. None where nobody signed up.
    """
    if not asked:
        return []
    entities = keys(asked)
    there = built(home, entities)
    found: list[Vector | None] = [None] * len(asked)
    for place, vector in zip(
        np.flatnonzero(there).tolist(), historical(home, task, entities[there]), strict=True
    ):
        found[place] = vector
    places = np.flatnonzero(~there).tolist()
    if places:
        today = states(home, entities[~there]).drop_duplicates("place", keep="last")
        for place, vector in zip(today["place"].tolist(), records(today), strict=True):
            found[places[place]] = vector
    return found


def historical(home: Home, task: str, entities: pd.DataFrame) -> list[Vector]:
    if entities.empty:  # Feast would look its registry through all the same
        return []
    return records(store.historical(home, task, entities).to_pandas())


def records(frame: pd.DataFrame) -> list[Vector]:
    """Rows as plain values, by column."""
    names = [str(name) for name in frame.columns]
    rows = frame.itertuples(index=False, name=None)
    return [dict(zip(names, map(told, row), strict=True)) for row in rows]


def told(value: Any) -> FeatureValue:
    """A value of a column; times, which are no features, are of no use here."""
    return None if isinstance(value, pd.Timestamp) else plain(value)


def late(home: Home, pairs: Sequence[Pair], tolerance: float) -> list[bool]:
    """Which requests differ because something arrived after their vector was built.

    Proved both ways: the vector is that of some earlier state of the event store, no later than
    the answer, and the offline one that of another. A value that no state explains stays a
    difference.
    """
    if not pairs:
        return []
    found = dict(list(states(home, keys([pair.request for pair in pairs])).groupby("place")))
    return [
        place in found and explained(pair, found[place], tolerance)
        for place, pair in enumerate(pairs)
    ]


def explained(pair: Pair, known: pd.DataFrame, tolerance: float) -> bool:
    """Whether the request is one state's vector by then, and the offline one any state's."""
    then = known["arrived_by"] <= pd.Timestamp(pair.request.answered_at)
    served = any(
        not differences(replace(pair, offline=one), tolerance) for one in records(known[then])
    )
    return served and any(
        not differences(replace(pair, request=replace(pair.request, vector=one)), tolerance)
        for one in records(known)
    )


def beside_quarantine(home: Home, task: str, pairs: Sequence[Pair]) -> list[list[Vector]]:
    """For each request what its customer's later moments in quarantine left in the online store.

    A row that broke a bound in one view reaches no store, the other view's row of that moment
    does. So the customer is served with the earlier moment of the one and the later of the other.
    """
    mixed: list[list[Vector]] = [[] for _ in pairs]
    for table in tables(home, home.dataset()) if pairs else ():
        places, later = quarantined_since(table, [pair.request for pair in pairs])
        names = [feature.name for feature in table.features]
        for place, vector in zip(places, vectors(home, task, later), strict=True):
            if vector is not None:
                stayed = {name: pairs[place].offline.get(name) for name in names}
                mixed[place].append({**vector, **stayed})
    return mixed


def quarantined_since(
    table: Table, asked: Sequence[Request]
) -> tuple[Sequence[int], Sequence[Request]]:
    """The requests, by place, as if they had been asked at a later moment in quarantine."""
    if not table.rejected():
        return (), ()
    moments = keys(asked).assign(place=range(len(asked)))
    moments["moment"] = moments.pop("event_timestamp").dt.tz_localize(None)
    with duckdb.connect() as db:
        db.register("asked", moments)
        rows = db.execute(
            f"SELECT place, q.event_timestamp FROM asked JOIN ({keys_sql(table.rejected())}) AS q"
            " USING (customer_id) WHERE q.event_timestamp > moment ORDER BY ALL"
        ).fetchall()
    return [place for place, _ in rows], [
        replace(asked[place], at=moment.replace(tzinfo=UTC)) for place, moment in rows
    ]
