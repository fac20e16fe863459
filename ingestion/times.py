"""Times of any shape as moments in UTC, in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle.errors import DataError
from lifecycle.sql import literal

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
OFFSET = r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$"
WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT")


@dataclass(frozen=True)
class Moment:
    """SQL for one time column.

    Attributes:
        value: a TIMESTAMPTZ, or NULL where there is none or it cannot be read.
        given: whether the row has any value at all.
        skipped: whether no clock of the zone ever showed that time.
    """

    value: str
    given: str
    skipped: str


@dataclass(frozen=True)
class Clock:
    """How a table writes times: its formats, and the zone of times that name none."""

    formats: tuple[str, ...]
    zone: str

    def read(self, name: str, sql: str, kind: str) -> Moment:
        """The moment that `sql` of the DuckDB type `kind` means.

        Raises:
            DataError: numbers, and no format says what they count.
        """
        given = f"nullif(trim(({sql})::VARCHAR), '') IS NOT NULL"
        if kind == "TIMESTAMP WITH TIME ZONE":
            return Moment(finite(f"({sql})"), given, "false")
        if self.formats and self.formats[0] in EPOCHS:
            micros = f"TRY_CAST(({sql}) AS DOUBLE) * {EPOCHS[self.formats[0]]}"
            return Moment(f"TRY(make_timestamptz(({micros})::BIGINT))", given, "false")
        if kind in WHOLE_NUMBERS or kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
            raise DataError(
                f"{name} is a number, which could mean any time.",
                found=f"Its type is {kind}.",
                do='Say time_format = "epoch_s", "epoch_ms" or "epoch_us".',
            )
        if kind != "VARCHAR":
            return self.wall(f"TRY_CAST(({sql}) AS TIMESTAMP)", given)
        if self.formats:
            return self.formatted(sql, given)
        return self.iso(sql, given)

    def wall(self, naive: str, given: str) -> Moment:
        """A time as a clock of the zone shows it; of two such in autumn, the second."""
        zone = literal(self.zone)
        there_and_back = f"timezone({zone}, timezone({zone}, {naive}))"
        return Moment(
            finite(f"timezone({zone}, {naive})"),
            given,
            "false" if self.zone == "UTC" else f"coalesce({naive} <> {there_and_back}, false)",
        )

    def formatted(self, sql: str, given: str) -> Moment:
        known = ", ".join(literal(form) for form in self.formats)
        parsed = f"try_strptime(({sql}), [{known}])"
        if any("%z" in form.lower() for form in self.formats):
            return Moment(finite(f"{parsed}::TIMESTAMPTZ"), given, "false")
        return self.wall(parsed, given)

    def iso(self, sql: str, given: str) -> Moment:
        offset = f"regexp_matches(trim({sql}), {literal(OFFSET)})"
        naive = self.wall(f"TRY_CAST(({sql}) AS TIMESTAMP)", given)
        return Moment(
            f"CASE WHEN {offset} THEN {finite(f'TRY_CAST(({sql}) AS TIMESTAMPTZ)')}"
            f" ELSE {naive.value} END",
            given,
            f"(NOT coalesce({offset}, false) AND {naive.skipped})",
        )


def finite(moment: str) -> str:
    """DuckDB reads 'infinity' as a time; nothing happened then."""
    return f"CASE WHEN isfinite({moment}) THEN {moment} END"
