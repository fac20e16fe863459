"""The point-in-time join in PostgreSQL's words: for each moment, the newest row known by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feast.infra.offline_stores.offline_utils import FeatureViewQueryContext
from psycopg import sql


@dataclass(frozen=True, kw_only=True)
class Look:
    """One view's part of the join.

    Attributes:
        source: the table, or a query in brackets, as Feast names it.
        keys: the moments' column → the source's.
        columns: the source's, one a feature.
        names: the features' names.
        ttl_seconds: how old a row may be; 0: any age.
        created: the column that says since when a row is known; None: from its time on.
        known_by: leave out what was created after the moment.
    """

    view: str
    source: str
    keys: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    names: tuple[str, ...]
    time: str
    created: str | None
    known_by: bool
    ttl_seconds: int

    @classmethod
    def of(cls, context: FeatureViewQueryContext, known_by: bool) -> Look:
        """Read Feast's description of what it wants of a view."""
        pairs = [selection.split(" AS ") for selection in context.entity_selections]
        return cls(
            view=context.name,
            source=context.table_subquery,
            keys=tuple((asked, column) for column, asked in pairs),
            columns=tuple(context.features),
            names=tuple(context.field_mapping.get(name, name) for name in context.features),
            time=context.timestamp_field,
            created=context.created_timestamp_column or None,
            known_by=known_by,
            ttl_seconds=context.ttl,
        )

    @property
    def numbered(self) -> tuple[tuple[str, str], ...]:
        """Feature → its column in the answer. PostgreSQL would cut a longer name."""
        return tuple((name, f"{self.view} {n}") for n, name in enumerate(self.names))


def join_sql(looks: Sequence[Look], row: str, at: str) -> sql.Composed:
    """SELECT the moment's number and the numbered columns of each look, of the table `asked`.

    Each look is a LATERAL subquery with LIMIT 1, which PostgreSQL answers by one backward step in
    an index on (keys, time, created).
    """
    columns = [sql.SQL("asked.{}").format(sql.Identifier(row))]
    for look in looks:
        columns += [
            sql.SQL("{}.{}").format(sql.Identifier(look.view), sql.Identifier(number))
            for _, number in look.numbered
        ]
    joins = [
        sql.SQL(" LEFT JOIN LATERAL ({}) AS {} ON true").format(
            look_sql(look, at), sql.Identifier(look.view)
        )
        for look in looks
    ]
    return sql.SQL("SELECT {} FROM asked{}").format(
        sql.SQL(", ").join(columns), sql.Composed(joins)
    )


def look_sql(look: Look, at: str) -> sql.Composed:
    moment = sql.SQL("asked.{}").format(sql.Identifier(at))
    time = sql.Identifier(look.time)
    conditions = [
        sql.SQL("source.{} = asked.{}").format(sql.Identifier(column), sql.Identifier(asked))
        for asked, column in look.keys
    ]
    conditions.append(sql.SQL("source.{} <= {}").format(time, moment))
    if look.ttl_seconds:
        conditions.append(
            sql.SQL("source.{} >= {} - {} * INTERVAL '1 second'").format(
                time, moment, sql.Literal(look.ttl_seconds)
            )
        )
    newest = [sql.SQL("source.{} DESC").format(time)]
    if look.created:
        created = sql.Identifier(look.created)
        newest.append(sql.SQL("source.{} DESC").format(created))
        if look.known_by:
            conditions.append(sql.SQL("source.{} <= {}").format(created, moment))
    pairs = zip(look.columns, look.numbered, strict=True)
    return sql.SQL("SELECT {} FROM {} AS source WHERE {} ORDER BY {} LIMIT 1").format(
        sql.SQL(", ").join(
            sql.SQL("source.{} AS {}").format(sql.Identifier(column), sql.Identifier(number))
            for column, (_, number) in pairs
        ),
        sql.SQL(look.source),
        sql.SQL(" AND ").join(conditions),
        sql.SQL(", ").join(newest),
    )
