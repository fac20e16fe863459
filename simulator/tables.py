"""The simulated rows as Arrow tables: daily drops, customers, and the truth."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator import world
from simulator.cohort import DAY_SECONDS, Cohort, stream
from simulator.delivery import PLANTED, SOUND, Delivered
from simulator.drift import Changes
from simulator.world import Floats, Ints

TIMESTAMP = pa.timestamp("us", tz="UTC")
COHORT_ROOM = 10_000_000
"""Customers and events of one cohort are numbered below this."""

MISSING_SHARE = {"country": 0.04, "device": 0.02, "age": 0.15, "plan": 0.0, "channel": 0.06}
UPGRADE_SHARE = 0.05
UPGRADE_DAYS = 40


def times(seconds: Floats, start: date) -> pa.Array:
    """Seconds after the simulation's first midnight as UTC microseconds; NaN becomes null."""
    origin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    missing = np.isnan(seconds)
    micros = ((np.where(missing, 0.0, seconds) + origin) * 1_000_000).round().astype(np.int64)
    return pa.array(micros, mask=missing).cast(pa.int64()).cast(TIMESTAMP)


def numbered(prefix: str, numbers: Ints) -> pa.Array:
    """Names such as `c000300042`; null for a negative number."""
    digits = pc.utf8_lpad(pa.array(np.maximum(numbers, 0)).cast(pa.string()), 10, "0")
    names = pc.binary_join_element_wise(prefix, digits, "")
    return pc.if_else(pa.array(numbers >= 0), names, pa.scalar(None, pa.string()))


def names(indices: Ints, words: tuple[str, ...]) -> pa.Array:
    return pa.array(words).take(pa.array(indices))


def customer_ids(cohort: Ints, customer: Ints) -> pa.Array:
    return numbered("c", np.where(customer < 0, -1, cohort * 100_000 + customer))


def event_ids(rows: Delivered) -> pa.Array:
    """`e…` for events, `x…` for rows that never happened."""
    happened = rows.number >= 0
    number = np.where(happened, rows.number, -1 - rows.number) + rows.cohort * COHORT_ROOM
    return pc.if_else(pa.array(happened), numbered("e", number), numbered("x", number))


def event_table(rows: Delivered, start: date) -> pa.Table:
    """The rows in the order given, as a daily drop holds them."""
    words = (*world.EVENTS, world.UNKNOWN_EVENT)
    session = np.where(rows.session < 0, -1, rows.session + rows.cohort * COHORT_ROOM)
    content = np.maximum(rows.event - world.FIRST_CONTENT, 0)
    title = pc.binary_join_element_wise(
        names(np.minimum(content, len(world.CONTENT) - 1), world.CONTENT),
        pa.array(rows.item).cast(pa.string()),
        "-",
    )
    return pa.table(
        {
            "event_id": event_ids(rows),
            "customer_id": customer_ids(rows.cohort, rows.customer),
            "event": names(rows.event, words),
            "occurred_at": times(rows.occurred, start),
            "received_at": times(rows.received, start),
            "session_id": numbered("s", session),
            "item": pc.if_else(pa.array(rows.item >= 0), title, pa.scalar(None, pa.string())),
            "value": pa.array(rows.value, from_pandas=True),
        }
    )


def customer_table(seed: int, cohort: Cohort, start: date) -> pa.Table:
    """Sign-ups of a day, then the later versions of those who upgrade to `pro`."""
    rng = stream(seed, cohort.day, "profile faults")
    n, origin = cohort.size, cohort.day * DAY_SECONDS
    missing = {
        name: pa.array(chance < MISSING_SHARE[name])
        for name, chance in zip(MISSING_SHARE, rng.random((len(MISSING_SHARE), n)), strict=True)
    }
    known = origin + cohort.signed_up + np.floor(rng.exponential(30, n))
    upgrade = rng.random((2, n))
    upgraded_at = known + 3600 + upgrade[1] * UPGRADE_DAYS * DAY_SECONDS
    upgrades = np.flatnonzero(
        (upgrade[0] < UPGRADE_SHARE)
        & (cohort.plan != world.PLANS.index("pro"))
        & (upgraded_at < origin + cohort.leaves * DAY_SECONDS)
    )

    def blank(name: str, values: Any) -> Any:
        return pc.if_else(missing[name], pa.scalar(None, values.type), values)

    first = pa.table(
        {
            "customer_id": customer_ids(np.full(n, cohort.day), np.arange(n)),
            "signed_up_at": times(origin + cohort.signed_up, start),
            "received_at": times(known, start),
            "country": blank("country", names(cohort.country, world.COUNTRIES)),
            "device": blank("device", names(cohort.device, world.DEVICES)),
            "plan": blank("plan", names(cohort.plan, world.PLANS)),
            "channel": blank("channel", names(cohort.channel, world.CHANNELS)),
            "age": blank("age", pa.array(cohort.age)),
        }
    )
    later = first.take(pa.array(upgrades))
    later = later.set_column(2, "received_at", times(upgraded_at[upgrades], start))
    later = later.set_column(5, "plan", pa.array(["pro"] * len(upgrades), pa.string()))
    return pa.concat_tables([first, later])


def blanked(customers: pa.Table, start: date, changed: Changes) -> pa.Table:
    """Empty `plan` in what arrives during a blank spell, and send those rows again, whole, after.

    They come in their order within minutes: a seven days' spell in ten.
    """
    origin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    received = customers["received_at"].cast(pa.int64()).to_numpy() / 1_000_000 - origin
    days = (received // DAY_SECONDS).astype(np.int64)
    hit = changed.holds("blank", days)
    place = customers.column_names.index("plan")
    nothing = pa.scalar(None, pa.string())
    parts = [customers.set_column(place, "plan", pc.if_else(hit, nothing, customers["plan"]))]
    for spell in changed.spells.get("blank", ()):
        if spell.until is None:
            continue
        rows = np.flatnonzero((days >= spell.since) & (days < spell.until))
        begun, mended = (day * DAY_SECONDS for day in (spell.since, spell.until))
        again = times(mended + (received[rows] - begun) / 1000, start)
        parts.append(customers.take(pa.array(rows)).set_column(2, "received_at", again))
    return pa.concat_tables(parts)


def customer_truth(cohort: Cohort, start: date) -> pa.Table:
    """What nobody can observe: never to be ingested."""
    n, origin = cohort.size, cohort.day * DAY_SECONDS
    never = cohort.fades >= world.LIFETIME_DAYS
    midnight = np.full(n, origin, dtype=np.float64)
    return pa.table(
        {
            "customer_id": customer_ids(np.full(n, cohort.day), np.arange(n)),
            "signed_up_at": times(origin + cohort.signed_up, start),
            "segment": names(cohort.segment, world.SEGMENTS),
            "engagement": pa.array(cohort.engagement),
            "hazard_mean_30d": pa.array(cohort.hazard[:30].mean(axis=0)),
            "fades_at": times(
                np.where(never, np.nan, midnight + cohort.fades * DAY_SECONDS), start
            ),
            "leaves_at": times(
                np.where(never, np.nan, midnight + cohort.leaves * DAY_SECONDS), start
            ),
            **{f"taste_{name}": cohort.taste[:, i] for i, name in enumerate(world.CONTENT)},
            "favourite": names(cohort.taste.argmax(axis=1), world.CONTENT),
        }
    )


def planted_table(rows: Delivered, start: date) -> pa.Table:
    """Which delivered rows are not sound, and where they arrive."""
    chosen = rows.take(rows.planted != SOUND)
    return pa.table(
        {
            "event_id": event_ids(chosen),
            "planted": names(chosen.planted, PLANTED),
            "received_at": times(chosen.received, start),
            "drop": pa.array(
                [
                    (start + timedelta(days=int(day))).isoformat()
                    for day in chosen.received // DAY_SECONDS
                ],
                pa.string(),
            ),
        }
    )
