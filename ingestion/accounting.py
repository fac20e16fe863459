"""Count what came of every source: rows read = rows kept + rows quarantined."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from ingestion.judging import BLANKED, CLAMPED, REASON
from ingestion.report import TableReport, add
from ingestion.sources import Found
from ingestion.staging import FILE
from lifecycle.event_store import Source, Table


def account(
    connection: duckdb.DuckDBPyConnection, feeds: Table, batch: Sequence[Found]
) -> tuple[Source, ...]:
    """One entry a source, in the order of the batch.

    Rows read are counted where they were read and the others where they went, so that a row
    lost on the way breaks the manifest's rule and nothing is committed.
    """
    read = dict(
        connection.execute(
            f"""
            SELECT path, sum(n)::BIGINT FROM (
                SELECT filename AS path, count(*) AS n FROM plain GROUP BY 1
                UNION ALL SELECT "{FILE}", count(*) FROM malformed GROUP BY 1
            ) GROUP BY path
            """
        ).fetchall()
    )
    outcomes: dict[str, dict[str | None, int]] = {}
    for path, reason, rows in connection.execute(
        f"""
        SELECT "{FILE}", "{REASON}", count(*) FROM settled GROUP BY ALL
        UNION ALL SELECT "{FILE}", 'malformed line: ' || fault, count(*) FROM malformed GROUP BY ALL
        """
    ).fetchall():
        outcomes.setdefault(path, {})[reason] = rows
    return tuple(
        entry(source, feeds, read.get(str(source.path), 0), outcomes.get(str(source.path), {}))
        for source in batch
    )


def entry(source: Found, feeds: Table, read: int, outcomes: dict[str | None, int]) -> Source:
    reasons = {reason: rows for reason, rows in outcomes.items() if reason is not None}
    return Source(
        fingerprint=source.fingerprint,
        name=source.name,
        feeds=feeds,
        rows_read=read,
        rows_kept=outcomes.get(None, 0),
        rows_quarantined=sum(reasons.values()),
        reasons=json.dumps(add(reasons, {})),
    )


def summed(
    connection: duckdb.DuckDBPyConnection, key: str, sources: Sequence[Source]
) -> TableReport:
    """The batch's sources together, with what was mended in the rows kept."""
    reasons: dict[str, int] = {}
    for source in sources:
        reasons = add(reasons, json.loads(source.reasons))
    blanked = connection.execute(
        f'SELECT unnest("{BLANKED}") AS name, count(*) FROM settled'
        f' WHERE "{REASON}" IS NULL GROUP BY name'
    ).fetchall()
    [(clamped,)] = connection.execute(
        f'SELECT count(*) FROM settled WHERE "{REASON}" IS NULL AND "{CLAMPED}"'
    ).fetchall()
    return TableReport(
        table=key,
        sources_new=len(sources),
        rows_read=sum(source.rows_read for source in sources),
        rows_kept=sum(source.rows_kept for source in sources),
        rows_quarantined=sum(source.rows_quarantined for source in sources),
        reasons=reasons,
        blanked=add(dict(blanked), {}),
        clamped=clamped,
    )
