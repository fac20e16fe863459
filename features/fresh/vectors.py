"""Rows of some customers at one moment, by the SQL that builds the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from features.build import zoned
from features.check import check
from features.fresh.past import Past
from features.moments import ONBOARDING_DAYS, sign_ups_sql, timestamp
from features.tables import Table, tables
from lifecycle.home import Home

# Prepared once: planning the SQL costs more than to run it for one customer. DuckDB plans anew
# when any table is made or dropped, so all are made here and only ever filled and emptied.
PREPARE = """
CREATE TABLE {view} AS SELECT * FROM ({sql}) LIMIT 0;
PREPARE compute_{view} AS INSERT INTO {view} {sql}"""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """What came of some customers.

    Attributes:
        moment: of every row.
        rows: view → a row a customer, as a build would keep it.
        held_back: customer → why a view has no row of theirs: it breaks a bound.
        nobody: who has no features: never signed up as far as is known, or too long ago.
    """

    moment: datetime
    rows: dict[str, pa.Table]
    held_back: dict[str, str]
    nobody: frozenset[str]


class Computer:
    """Computes rows of customers. One thread at a time.

    Args:
        home: with an event store.
        days: of the training moments after sign-up; whoever has one ahead has features.
    """

    def __init__(self, home: Home, days: Sequence[int] = ()) -> None:
        self.dataset = home.dataset()
        self.tables = tables(home, self.dataset)
        self.reach = max((ONBOARDING_DAYS, *days))
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET threads = 1")
        self.past = Past(home, self.dataset, self.db)
        self.db.execute(
            "CREATE TABLE moments"
            " (k BIGINT, customer_id VARCHAR, moment TIMESTAMP, signed_up_at TIMESTAMP)"
        )
        for table in self.tables:
            self.db.execute(PREPARE.format(view=table.view, sql=table.sql))

    def compute(self, customers: Collection[str], moment: datetime) -> Vectors:
        """The rows of customers at a moment, of all that was received by it.

        Raises:
            DataError: most rows break a bound, or are not what their definitions say.
        """
        self.past.bring(customers)
        self.db.execute(
            "DELETE FROM moments; INSERT INTO moments"
            f" SELECT row_number() OVER () - 1, customer_id, {timestamp(moment)}, signed_up_at"
            f" FROM ({sign_ups_sql(self.dataset, moment)})"
            f" WHERE signed_up_at <= {timestamp(moment)}"
            f" AND signed_up_at >= {timestamp(moment)} - INTERVAL {self.reach} DAY"
        )
        found = self.db.execute("SELECT customer_id FROM moments").fetchall()
        here = {name for (name,) in found}
        rows: dict[str, pa.Table] = {}
        held_back: dict[str, str] = {}
        for table in self.tables if here else ():
            checked = check(self._rows(table), table)
            rows[table.view] = checked.kept
            for name, reason in zip(
                checked.rejected["customer_id"].to_pylist(),
                checked.rejected["reason"].to_pylist(),
                strict=True,
            ):
                held_back[name] = f"{table.view}: {reason}"
        return Vectors(
            moment=moment, rows=rows, held_back=held_back, nobody=frozenset(customers) - here
        )

    def _rows(self, table: Table) -> pa.Table:
        self.db.execute(f"DELETE FROM {table.view}; EXECUTE compute_{table.view}")
        return zoned(self.db.sql(f"SELECT * FROM {table.view}").to_arrow_table(), table)
