"""Ask every server for a sign of life before hours of work, and not after."""

from __future__ import annotations

from feature_repo.configuration import on_postgres, read, template
from features.servers import reachable
from lifecycle.home import Home


def ready(home: Home) -> None:
    """Return when each server that the home's configuration names answers.

    Raises:
        NotReady: one does not, or a variable that names it is missing.
    """
    if on_postgres(home):
        from feature_repo import postgres  # noqa: PLC0415  its client comes with an extra

        with postgres.connected(home) as db:
            db.execute("SELECT 1")
    if "redis" in str(read(home)["online_store"].get("type")).lower():
        with reachable(template(home)):
            ping(home)


def ping(home: Home) -> None:
    from feast.infra.online_stores.redis import RedisOnlineStore  # noqa: PLC0415  as above
    from feast.repo_config import load_repo_config  # noqa: PLC0415  as above

    settings = load_repo_config(home.feast, template(home)).online_store
    RedisOnlineStore()._get_client(settings).ping()  # noqa: SLF001  Feast's address, Feast's client
