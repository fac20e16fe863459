"""Is the data itself broken? Checks whose alarm means: mend the pipe, train on nothing.

Drift asks whether customers changed; these ask whether what we are told of them can be true.
They look for what customers cannot do from one window to the next: a column that was always
there and is gone, one that takes a single value, values a hundred times too large, words never
seen before, days without any event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lifecycle.profile import TINY, Counts, Numbers, Part, Shape

# The commonest value of a column that is none of some, and its rows: a second look at one column.
Look = Callable[[str, Sequence[str]], tuple[object, int]]


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


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One thing that is broken, in numbers and in words."""

    check: str
    column: str
    value: float
    limit: float
    words: str


def columns_broken(
    shapes: Sequence[Shape], reference: Part, current: Part, look: Look, limits: Limits = Limits()
) -> tuple[Breach, ...]:
    """Every breach of the columns, in their order.

    Args:
        shapes: which columns.
        reference: the version's own test.
        current: the window, with what lies outside the definitions counted.
        look: asked only of a column that looks dead, or holds many words never seen.
        limits: from where on data counts as broken.
    """
    if min(reference.rows, current.rows) < limits.least_rows:
        return ()
    found: list[Breach | None] = []
    for shape in shapes:
        before, after = reference.columns[shape.name], current.columns.get(shape.name)
        if after is None:
            found.append(unlogged(shape.name, limits))
            continue
        found += [missing(shape.name, before, after, limits)]
        found += [dead(shape, before, after, look, limits)]
        if shape.kind == "number":
            found += [unit(shape, before, after, limits), outside(shape.name, after, limits)]
        else:
            found.append(new_words(shape, before, after, look, limits))
    return tuple(breach for breach in found if breach is not None)


def unlogged(name: str, limits: Limits) -> Breach:
    return Breach(
        check="missing", column=name, value=1.0, limit=limits.missing_always,
        words=f"{name} is no longer logged at all",
    )  # fmt: skip


def missing(name: str, before: Counts, after: Counts, limits: Limits) -> Breach | None:
    """A jump of the missing share that no customer can cause."""
    was, now = before.missing / before.rows, after.missing / max(after.rows, 1)
    limit = limits.missing_always if was <= limits.always else was + limits.missing_rise
    gone = now >= limits.one_value and was <= limits.varied
    if now < limit and not gone:
        return None
    return Breach(
        check="missing", column=name, value=now, limit=min(limit, limits.one_value),
        words=f"{name} is missing in {now:.0%} of rows; it was in {was:.0%} of the reference",
    )  # fmt: skip


def dead(shape: Shape, before: Counts, after: Counts, look: Look, limits: Limits) -> Breach | None:
    """A column that used to vary and now holds one value: what fills in for a source that died."""
    if min(before.present, after.present) < limits.least_rows:
        return None
    was = float(before.at.max()) / before.present
    if float(after.at.max()) / after.present < limits.one_value or was > limits.varied:
        return None
    value, rows = look(shape.name, ())
    now = rows / after.present
    if now < limits.one_value:  # many values, all in one bin
        return None
    return Breach(
        check="one value", column=shape.name, value=now, limit=limits.one_value,
        words=f"{shape.name} is {value} in {now:.1%} of rows; "
        f"no value held more than {was:.0%} of the reference",
    )  # fmt: skip


def unit(shape: Shape, before: Counts, after: Counts, limits: Limits) -> Breach | None:
    """A change of typical size by orders of magnitude: cents for euros, seconds for minutes."""
    x, y = sizes(shape, before), sizes(shape, after)
    if min(x.rows.sum(), y.rows.sum()) < limits.least_rows:
        return None
    factor = y.typical / x.typical
    largest = max(abs(before.least or 0.0), abs(before.most or 0.0))
    far = float(y.rows[y.least >= limits.orders * largest].sum() / y.rows.sum())
    if 1 / limits.orders < factor < limits.orders and far < limits.outside:
        return None
    return Breach(
        check="unit", column=shape.name, value=factor, limit=limits.orders,
        words=f"{shape.name} is typically {factor:.3g} times what it was, and {far:.0%} of its "
        f"values lie {limits.orders:g} times beyond the largest of the reference",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of the values that are not zero, in bins: zeros have no unit.

    Attributes:
        least, most: of each bin, shape (bins,).
        rows: in each bin.
    """

    least: Numbers
    most: Numbers
    rows: Numbers

    @property
    def typical(self) -> float:
        """The median, right to the bin: its geometric middle."""
        middle = np.sqrt(np.maximum(self.least, self.most / 2) * self.most)
        order = np.argsort(middle)
        below = np.cumsum(self.rows[order])
        return float(middle[order][np.searchsorted(below, below[-1] / 2)])


def sizes(shape: Shape, counts: Counts) -> Sizes:
    """Bins of numbers as bins of sizes."""
    if counts.least is None or counts.most is None:
        none = np.zeros(1)
        return Sizes(least=none, most=none, rows=none)
    edges = np.asarray(shape.edges)
    low = np.maximum(np.concatenate([[-np.inf], edges]), counts.least)
    high = np.minimum(np.concatenate([edges, [np.inf]]), counts.most)
    ends = np.abs(np.stack([low, high]))
    held = (counts.at > 0) & (ends.max(axis=0) > TINY)
    return Sizes(least=ends.min(axis=0)[held], most=ends.max(axis=0)[held], rows=counts.at[held])


def outside(name: str, after: Counts, limits: Limits) -> Breach | None:
    """Values that the feature's own definition rules out."""
    share = after.outside / after.present if after.present else 0.0
    if share < limits.outside:
        return None
    return Breach(
        check="bounds", column=name, value=share, limit=limits.outside,
        words=f"{name} is outside what its definition allows in {share:.0%} of rows, which hold "
        f"{after.least:g} to {after.most:g}",
    )  # fmt: skip


def new_words(
    shape: Shape, before: Counts, after: Counts, look: Look, limits: Limits
) -> Breach | None:
    """Categories that the reference never held: another spelling, another code."""
    share = others(after) - others(before)  # a reference of very many words lists not all of them
    if share < limits.new_words:
        return None
    most, _ = look(shape.name, shape.words)
    return Breach(
        check="new categories", column=shape.name, value=share, limit=limits.new_words,
        words=f"{shape.name} holds values the reference never had in {share:.0%} of rows, "
        f"most often {most!r}",
    )  # fmt: skip


def others(counts: Counts) -> float:
    """The share of values that are none of the listed ones."""
    return float(counts.at[-1]) / counts.present if counts.present else 0.0


def volume(scored: int, due: int, limits: Limits = Limits()) -> tuple[Breach, ...]:
    """Scored moments against those that fell due."""
    share = scored / due if due else 1.0
    if due < limits.least_rows or share >= limits.due:
        return ()
    breach = Breach(
        check="volume", column="", value=share, limit=limits.due,
        words=f"only {scored} of {due} due moments were scored",
    )  # fmt: skip
    return (breach,)
