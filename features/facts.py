"""What is aggregated of the events of a moment: each fact once, however many features ask for it.

The facts are few and the features many: `count_login_7d`, `events_7d`, `share_…_7d` and
`engagement_score_7d` are all sums over the same counts by event and window. And the counts of
one event in up to four windows go into one 124-bit sum: an aggregate costs as much as a row of
its column, so that a quarter of the aggregates is a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from lifecycle.sql import identifier

HOUR = 3_600_000_000
DAY = 24 * HOUR

# Sums go by decimals: adding doubles gives other last bits in another order, and DuckDB's
# threads have no order. What does not fit (infinite, NaN, beyond 1e18) counts as missing.
EXACT = "DECIMAL(24, 6)"

# Two thousand million events of one kind at one customer: more than a store holds of all.
BITS = 31
WINDOWS_IN_A_SUM = 4

# Days that have a bit of their own in `active`; older ones share the last.
DAY_BITS = 62


def within(days: int | None) -> str:
    """Whether an event of `seen` lies in a window; None: since sign-up."""
    return "after >= 0" if days is None else f"age < {days * DAY}"


class Facts:
    """Collects the facts that features ask for, and answers with expressions over them."""

    def __init__(self, events: Sequence[str]) -> None:
        self.events = tuple(events)
        self._windows: dict[int | None, None] = {}
        self._counted: dict[str, None] = {}
        self._asked: dict[str, str] = {}

    def code(self, event: str) -> int:
        """How `seen` writes an event."""
        return self.events.index(event) + 1

    def codes(self, events: Sequence[str]) -> str:
        """Condition: the event is one of these."""
        if set(events) >= set(self.events):
            return "true"
        return f"event IN ({', '.join(str(self.code(event)) for event in events) or 'NULL'})"

    def number(self, events: Sequence[str], days: int | None) -> str:
        """How many of these events lie in the window."""
        self._windows[days] = None
        self._counted |= dict.fromkeys(events)
        return "(" + " + ".join(count_name(self.code(event), days) for event in events) + ")"

    def active(self, events: Sequence[str], days: int | None) -> str:
        """How many days hold one of these: one bit a day is many times cheaper than a set."""
        bit = f"1::BIGINT << least(age // {DAY}, {DAY_BITS})::INTEGER"
        chosen = self.codes(events)
        if days is None or days > DAY_BITS:
            bits = self.ask(f"bit_or(CASE WHEN {chosen} AND {within(days)} THEN {bit} END)")
        else:
            bits = f"{self.ask(f'bit_or(CASE WHEN {chosen} THEN {bit} END)')} & {(1 << days) - 1}"
        return f"coalesce(bit_count({bits}), 0)"

    def nearest(self, events: Sequence[str], days: int | None) -> str:
        """The least age of these events in the window, microseconds."""
        if days is None:
            found = [
                self.ask(f"min(CASE WHEN event = {self.code(event)} AND after >= 0 THEN age END)")
                for event in events
            ]
            return f"least({', '.join(found)})"
        age = self.ask(f"min(CASE WHEN {self.codes(events)} THEN age END)")
        return f"CASE WHEN {age} < {days * DAY} THEN {age} END"

    def first(self, events: Sequence[str], days: int | None) -> str:
        """The least time from sign-up to one of these events, microseconds."""
        chosen = f"{self.codes(events)} AND {within(days)} AND after >= 0"
        return self.ask(f"min(CASE WHEN {chosen} THEN after END)")

    def total(self, name: str, days: int | None) -> str:
        """The sum of a number in the window, exact to six decimals."""
        return self.ask(f"sum({exact_name(name)}) FILTER (WHERE {within(days)})") + "::DOUBLE"

    def carriers(self, name: str, days: int | None) -> str:
        """How many events of the window carry the number."""
        return self.ask(f"count({exact_name(name)}) FILTER (WHERE {within(days)})")

    def ask(self, aggregate: str) -> str:
        """The name of an aggregate over `seen`."""
        return self._asked.setdefault(aggregate, f"fact_{len(self._asked)}")

    def aggregates(self) -> list[str]:
        """What to select from `packed()` of a moment."""
        sums = [
            f"sum(CASE WHEN event = {self.code(event)} THEN windows_{group} ELSE 0 END)"
            f" AS sum_{group}_{self.code(event)}"
            for group, _ in enumerate(self._groups())
            for event in self._counted
        ]
        return sums + [f"{aggregate} AS {name}" for aggregate, name in self._asked.items()]

    def packed(self) -> list[str]:
        """What to add to each row of `seen`: its membership in the windows, 31 bits apart."""
        return [
            " + ".join(
                f"({within(days)})::HUGEINT * {1 << (place * BITS)}::HUGEINT"
                for place, days in enumerate(group)
            )
            + f" AS windows_{number}"
            for number, group in enumerate(self._groups())
        ]

    def counts(self) -> list[str]:
        """The counts, out of the sums that they were packed in."""
        return [
            f"coalesce(((sum_{number}_{self.code(event)} >> {place * BITS})"
            f" & {(1 << BITS) - 1}::HUGEINT)::BIGINT, 0) AS {count_name(self.code(event), days)}"
            for number, group in enumerate(self._groups())
            for place, days in enumerate(group)
            for event in self._counted
        ]

    def _groups(self) -> list[list[int | None]]:
        windows = sorted(self._windows, key=lambda days: (days is None, days))
        return [
            windows[start : start + WINDOWS_IN_A_SUM]
            for start in range(0, len(windows), WINDOWS_IN_A_SUM)
        ]


def count_name(code: int, days: int | None) -> str:
    return f"n_{code}_{'since' if days is None else days}"


def carried_name(name: str) -> str:
    """A data set's column among ours: none of ours begins so, whatever it is called."""
    return identifier(f"of {name}")


def carried_sql(name: str) -> str:
    return f"{identifier(name)} AS {carried_name(name)}"


def exact_name(name: str) -> str:
    return identifier(f"exact of {name}")


def exact_sql(name: str) -> str:
    """A number as it is summed, computed once an event."""
    return f"TRY_CAST({identifier(name)}::DOUBLE AS {EXACT}) AS {exact_name(name)}"
