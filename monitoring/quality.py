"""Is the data itself broken? Checks whose alarm means: mend the pipe, train on nothing.

Drift asks whether customers changed; these ask whether what we are told of them can be true.
They look for what customers cannot do from one window to the next: a column that was always
there and is gone, one that takes a single value, values a hundred times too large, words never
seen before, days without any event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from monitoring.drift import clean, kind_of


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a feature's definition says its values can be; None: no bound."""

    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on data counts as broken.

    Attributes:
        least_rows: a column is judged on at least so many rows on both sides.
        always: a column missing less often than this in the reference is *always there*.
        missing_always: missing share that breaks a column that was always there.
        missing_rise: rise of the missing share that breaks any other column.
        one_value: share of a single value that makes a column dead …
        varied: … when no value held more than this share in the reference.
        orders: factor between typical sizes that means another unit.
        outside: share of values outside the definition's bounds, or far outside all seen.
        new_words: share of rows with a category the reference never held.
        due: least share of the due moments that was scored.
        quiet_days: days without an event that are fine even where there never were any.
        quiet_factor: … and how many times the longest quiet spell before is fine.
    """

    least_rows: int = 50
    always: float = 0.02
    missing_always: float = 0.20
    missing_rise: float = 0.50
    one_value: float = 0.995
    varied: float = 0.90
    orders: float = 8.0
    outside: float = 0.02
    new_words: float = 0.25
    due: float = 0.5
    quiet_days: float = 2.0
    quiet_factor: float = 1.5


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One thing that is broken, in numbers and in words."""

    check: str
    column: str
    value: float
    limit: float
    words: str


def columns_broken(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    bounds: Mapping[str, Bounds],
    limits: Limits = Limits(),
) -> tuple[Breach, ...]:
    """Every breach of the columns named in `bounds`, in their order."""
    if min(len(reference), len(current)) < limits.least_rows:
        return ()
    found: list[Breach] = []
    for name, bound in bounds.items():
        if name not in current:
            found.append(
                Breach(check="missing", column=name, value=1.0, limit=limits.missing_always,
                       words=f"{name} is no longer logged at all")
            )  # fmt: skip
            continue
        kind = kind_of(reference[name])
        before, after = clean(reference[name], kind), clean(current[name], kind)
        checks = [missing(name, before, after, limits), dead(name, before, after, limits)]
        if kind == "number":
            checks += [unit(name, before, after, limits), outside(name, after, bound, limits)]
        else:
            checks.append(new_words(name, before, after, limits))
        found += [breach for breach in checks if breach is not None]
    return tuple(found)


def missing(name: str, before: pd.Series, after: pd.Series, limits: Limits) -> Breach | None:
    """A jump of the missing share that no customer can cause."""
    was, now = float(before.isna().mean()), float(after.isna().mean())
    limit = limits.missing_always if was <= limits.always else was + limits.missing_rise
    gone = now >= limits.one_value and was <= limits.varied
    if now < limit and not gone:
        return None
    return Breach(
        check="missing", column=name, value=now, limit=min(limit, limits.one_value),
        words=f"{name} is missing in {now:.0%} of rows; it was in {was:.0%} of the reference",
    )  # fmt: skip


def dead(name: str, before: pd.Series, after: pd.Series, limits: Limits) -> Breach | None:
    """A column that used to vary and now holds one value: what fills in for a source that died."""
    x, y = before.dropna(), after.dropna()
    if min(len(x), len(y)) < limits.least_rows:
        return None
    was = float(x.value_counts(normalize=True).iloc[0])
    shares = y.value_counts(normalize=True)
    now = float(shares.iloc[0])
    if now < limits.one_value or was > limits.varied:
        return None
    return Breach(
        check="one value", column=name, value=now, limit=limits.one_value,
        words=f"{name} is {shares.index[0]} in {now:.1%} of rows; "
        f"no value held more than {was:.0%} of the reference",
    )  # fmt: skip


def unit(name: str, before: pd.Series, after: pd.Series, limits: Limits) -> Breach | None:
    """A change of typical size by orders of magnitude: cents for euros, seconds for minutes."""
    x, y = sizes(before), sizes(after)
    if min(len(x), len(y)) < limits.least_rows:
        return None
    factor = float(np.median(y) / np.median(x))
    far = float(np.mean(y > limits.orders * x.max()))
    if 1 / limits.orders < factor < limits.orders and far < limits.outside:
        return None
    return Breach(
        check="unit", column=name, value=factor, limit=limits.orders,
        words=f"{name} is typically {factor:.3g} times what it was, and {far:.0%} of its values "
        f"lie {limits.orders:g} times beyond the largest of the reference",
    )  # fmt: skip


def sizes(values: pd.Series) -> np.ndarray:
    """Sizes of the values that are not zero: zeros have no unit."""
    present = values.dropna().abs().to_numpy()
    return np.asarray(present[present > 0])


def outside(name: str, after: pd.Series, bound: Bounds, limits: Limits) -> Breach | None:
    """Values that the feature's own definition rules out."""
    present = after.dropna()
    if present.empty:
        return None
    low = -np.inf if bound.at_least is None else bound.at_least
    high = np.inf if bound.at_most is None else bound.at_most
    share = float(((present < low) | (present > high)).mean())
    if share < limits.outside:
        return None
    return Breach(
        check="bounds", column=name, value=share, limit=limits.outside,
        words=f"{name} is outside its definition's {low:g} to {high:g} in {share:.0%} of rows",
    )  # fmt: skip


def new_words(name: str, before: pd.Series, after: pd.Series, limits: Limits) -> Breach | None:
    """Categories that the reference never held: another spelling, another code."""
    present = after.dropna()
    unseen = present[~present.isin(set(before.dropna()))]
    share = len(unseen) / len(present) if len(present) else 0.0
    if share < limits.new_words:
        return None
    most = unseen.value_counts().index[0]
    return Breach(
        check="new categories", column=name, value=share, limit=limits.new_words,
        words=f"{name} holds values the reference never had in {share:.0%} of rows, "
        f"most often {most!r}",
    )  # fmt: skip


def volume(scored: int, due: int, limits: Limits = Limits()) -> Breach | None:
    """Scored moments against those that fell due."""
    share = scored / due if due else 1.0
    if due < limits.least_rows or share >= limits.due:
        return None
    return Breach(
        check="volume", column="", value=share, limit=limits.due,
        words=f"only {scored} of {due} due moments were scored",
    )  # fmt: skip


def freshness(
    days: Sequence[datetime], as_of: datetime, limits: Limits = Limits()
) -> Breach | None:
    """How long nothing has been received, against the longest such spell before.

    Args:
        days: when something was received, one instant a day at least, in order.
        as_of: now.
        limits: how long is too long.
    """
    if not days:
        return None
    longest = max((later - sooner for sooner, later in pairwise(days)), default=timedelta(0))
    limit = max(timedelta(days=limits.quiet_days), limits.quiet_factor * longest)
    silence = as_of - days[-1]
    if silence <= limit:
        return None
    return Breach(
        check="freshness", column="", value=silence / timedelta(days=1),
        limit=limit / timedelta(days=1),
        words=f"nothing was received for {silence / timedelta(days=1):.1f} days; "
        f"the longest silence before was {longest / timedelta(days=1):.1f}",
    )  # fmt: skip
