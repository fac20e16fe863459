"""Settings, read once at the edge and handed down frozen.

Every setting is an environment variable with the prefix ONRAMP_. A misspelt one is refused:
a setting that silently does nothing is found at 3 a.m.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from lifecycle.errors import UnknownName
from lifecycle.home import RECEIPTS_DAYS

PREFIX = "ONRAMP_"


class Settings(BaseSettings):
    """Where Onramp lives and who is acting."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(default=Path(".onramp"), description="the folder that holds everything")
    tracking_uri: str = Field(
        default="", description="MLflow tracking and registry address; empty: SQLite in the home"
    )
    stores: Path | None = Field(
        default=None,
        description="a Feast configuration to use instead of the embedded stores, such as"
        " deploy/postgres-redis/feature_store.yaml",
    )
    actor: str = Field(default="", description="who is recorded in the ledger; empty: the user")
    webhook_url: str = Field(
        default="",
        description="told when an alias moves, where MLflow is embedded; https, or 127.0.0.1",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="signs what the webhook is told"
    )
    notify_file: Path | None = Field(
        default=None,
        description="whom to tell how retrain jobs end; default: notify.toml in the home",
    )
    notify: SecretStr = Field(default=SecretStr(""), description="the same TOML, in a variable")
    host: str = Field(default="127.0.0.1", description="address the server binds")
    port: int = Field(default=8000, ge=0, le=65535, description="port the server binds")
    host_names: str = Field(
        default="", description="names the server answers to, separated by commas"
    )
    tokens_file: Path | None = Field(
        default=None, description="who may ask the server what, one token a line"
    )
    receipts_days: int = Field(
        default=RECEIPTS_DAYS, ge=1, description="days that the server keeps the reasons it gave"
    )
    tokens: SecretStr = Field(default=SecretStr(""), description="the same lines, in a variable")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        UnknownName: a variable carries our prefix but names no setting.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in os.environ if environ is None else environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise UnknownName("setting", name, known)
    settings = Settings()
    return settings.model_copy(update={"actor": settings.actor or getpass.getuser()})
