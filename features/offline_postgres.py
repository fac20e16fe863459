"""Feast's own PostgreSQL offline store, connected as every other client of PostgreSQL is."""

from __future__ import annotations

from typing import Literal

from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import (
    PostgreSQLOfflineStore,
    PostgreSQLOfflineStoreConfig,
)
from pydantic import StrictStr


class PostgresOfflineStoreConfig(PostgreSQLOfflineStoreConfig):  # type: ignore[misc]  # Feast ships no types
    """Feast's settings, without those that must not be written down.

    Left out, libpq takes them from where every client of PostgreSQL does: the password from
    PGPASSWORD or a password file, encryption from PGSSLMODE and its companions.
    """

    type: Literal["features.offline_postgres.PostgresOfflineStore"] = (
        "features.offline_postgres.PostgresOfflineStore"
    )
    password: StrictStr | None = None
    sslmode: StrictStr | None = None


class PostgresOfflineStore(PostgreSQLOfflineStore):  # type: ignore[misc]  # Feast ships no types
    pass
