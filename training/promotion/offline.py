"""What the offline world says of requests, and which differences it explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features import store
from features.built import built
from features.tables import Table, keys_sql, tables
from lifecycle.gate.evidence import Mismatch
from lifecycle.gate.replayed import tolerated
from lifecycle.home import Home
from lifecycle.prediction_log import FeatureValue
from training.promotion.arrivals import states
from training.promotion.asked import Request, plain

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
