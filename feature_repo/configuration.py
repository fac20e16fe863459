"""Which stores Feast uses: the home's configuration, of the embedded template or another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from features.connection import config_file
from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.whole import write_whole

POSTGRES = "features.offline_postgres.PostgresOfflineStore"
TEMPLATE = Path(__file__).with_name("feature_store.yaml")


def template(home: Home) -> Path:
    """The configuration to apply."""
    return home.stores or TEMPLATE


def read(home: Home) -> dict[str, Any]:
    """The template as it is written, its variables as variables.

    Raises:
        UsageError: it is no Feast configuration.
    """
    path = template(home)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML.", found=f"{error}", do="Mend that line.") from error
    parts = ("project", "registry", "offline_store", "online_store")
    absent = [name for name in parts if not isinstance(config, dict) or name not in config]
    if absent:
        raise UsageError(
            f"{path} is no Feast configuration.",
            found=f"It does not say {', '.join(absent)}.",
            do="Take deploy/postgres-redis/feature_store.yaml as a pattern.",
        )
    return dict(config)


def on_postgres(home: Home) -> bool:
    """Whether training reads the features from PostgreSQL instead of from their Parquet parts."""
    return bool(read(home)["offline_store"].get("type") == POSTGRES)


def write_config(home: Home) -> Path:
    """Write the home's feature_store.yaml; returns it.

    What is embedded gets absolute paths below the home. What names a server by variables keeps
    them: no password comes to lie in the home.
    """
    config = read(home)
    home.feast.mkdir(parents=True, exist_ok=True)
    text = template(home).read_text(encoding="utf-8")
    embedded = False
    if str(config["registry"].get("path", "")).startswith("sqlite"):
        config["registry"]["path"] = f"sqlite:///{home.feast / 'registry.db'}"
        embedded = True
    if "path" in config["online_store"]:
        config["online_store"]["path"] = str(home.feast / "online.db")
        embedded = True
    if embedded:
        text = yaml.safe_dump(config, sort_keys=False)
    path = config_file(home)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        # A server that opens its store meanwhile reads the old or the new one.
        write_whole(path, text)
    return path
