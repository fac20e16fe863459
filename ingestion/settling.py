"""Hold judged rows against the store and against each other: the first row read wins.

Every rule looks only at rows read earlier, so the outcome does not depend on where one batch
ends and the next begins, nor on whether a run was killed between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ingestion.judging import REASON
from ingestion.mapping import Mapping
from ingestion.staging import FILE, ROW
from lifecycle.event_store import CUSTOMER_COLUMNS, EVENT_COLUMNS, view_sql
from lifecycle.sql import identifier

DUPLICATE = "duplicate"
SIGN_UP_CHANGED = "sign-up changed"
TWO_PROFILES = "two profiles at one time"


def open_store(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    events: Sequence[Path],
    customers: Sequence[Path],
) -> None:
    """Make the views `known_events` and `known_customers` over the committed parts.

    Their times are naive UTC; those of judged rows carry their zone, and are compared as such.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW known_events AS"
        f" {view_sql(events, EVENT_COLUMNS, mapping.properties)};"
        f"CREATE OR REPLACE TEMP VIEW known_customers AS"
        f" {view_sql(customers, CUSTOMER_COLUMNS, mapping.profile)}"
    )


def settle_events(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `settled` of `judged`: an event id that is known already is a duplicate."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE settled AS
        WITH known AS (
            SELECT DISTINCT event_id FROM known_events
            WHERE event_id IN (SELECT event_id FROM judged WHERE "{REASON}" IS NULL)
        ), placed AS (
            SELECT judged.*, known.event_id IS NOT NULL AS is_known, row_number() OVER (
                PARTITION BY judged.event_id, "{REASON}" IS NULL ORDER BY "{ROW}") AS place
            FROM judged LEFT JOIN known USING (event_id)
        )
        SELECT * EXCLUDE (is_known, place) REPLACE (
            coalesce("{REASON}", CASE WHEN is_known OR place > 1 THEN '{DUPLICATE}' END)
            AS "{REASON}")
        FROM placed
        """
    )


def settle_customers(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Make `settled` of `judged`: one sign-up a customer, one profile a time of receipt."""
    members = ", ".join(f"{identifier(n)} := {identifier(n)}" for n in mapping.profile)
    profile = f"to_json(struct_pack({members}))::VARCHAR" if members else "''"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE settled AS
        WITH known AS (
            SELECT customer_id, timezone('UTC', signed_up_at) AS signed_up_at,
                   timezone('UTC', received_at) AS received_at, {profile} AS profile
            FROM known_customers WHERE customer_id IN (SELECT customer_id FROM judged)
        ), sign_ups AS (
            SELECT customer_id, any_value(signed_up_at) AS signed_up_at FROM known GROUP BY ALL
        ), first_read AS (
            SELECT customer_id, arg_min(signed_up_at, "{ROW}") AS signed_up_at
            FROM judged WHERE "{REASON}" IS NULL GROUP BY customer_id
        ), dated AS (
            SELECT judged.* REPLACE (
                coalesce("{REASON}", CASE WHEN judged.signed_up_at <>
                    coalesce(sign_ups.signed_up_at, first_read.signed_up_at)
                    THEN '{SIGN_UP_CHANGED}' END) AS "{REASON}"), {profile} AS "#profile"
            FROM judged LEFT JOIN sign_ups USING (customer_id)
                        LEFT JOIN first_read USING (customer_id)
        ), placed AS (
            SELECT dated.*, known.profile AS known_profile,
                row_number() OVER same AS place, first_value("#profile") OVER same AS first_profile
            FROM dated LEFT JOIN known USING (customer_id, received_at)
            WINDOW same AS (PARTITION BY customer_id, received_at, "{REASON}" IS NULL
                            ORDER BY "{ROW}")
        )
        SELECT * EXCLUDE ("#profile", known_profile, first_profile, place) REPLACE (
            coalesce("{REASON}", CASE
                WHEN "#profile" = coalesce(
                    known_profile, CASE WHEN place > 1 THEN first_profile END)
                THEN '{DUPLICATE}'
                WHEN known_profile IS NOT NULL OR place > 1 THEN '{TWO_PROFILES}'
            END) AS "{REASON}")
        FROM placed
        """
    )


def new_customers_sql(mapping: Mapping) -> str:
    """Customers whom the settled events show for the first time.

    Of the first source that holds one, the earliest event is the sign-up, and the profile is
    what that row says.
    """
    profile = "".join(
        f", {identifier('#profile ' + name)} AS {identifier(name)}" for name in mapping.profile
    )
    return f"""
        SELECT customer_id, occurred_at AS signed_up_at, received_at{profile}
        FROM settled
        WHERE "{REASON}" IS NULL AND customer_id NOT IN (SELECT customer_id FROM known_customers)
        QUALIFY row_number() OVER (
            PARTITION BY customer_id ORDER BY "{FILE}", occurred_at, received_at, "{ROW}") = 1
    """
