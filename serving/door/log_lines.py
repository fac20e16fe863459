"""How the server's log lines look: each says which request it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from serving.door.envelope import request_id


class WithRequestId(logging.Filter):
    """Lets every record pass, with the id of the request that it was written in; else `-`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


# Neither bodies nor headers nor query strings are logged anywhere: they hold tokens and people.
LINES: Mapping[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": WithRequestId}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "handlers": {
        "errors": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
            "formatter": "line",
            "filters": ["request"],
        }
    },
    "loggers": {
        "onramp": {"handlers": ["errors"], "level": "INFO", "propagate": False},
        # MLflow warns of each odd request, and names the columns that a caller made up
        "mlflow": {"handlers": ["errors"], "level": "ERROR", "propagate": False},
        "uvicorn": {"handlers": ["errors"], "level": "WARNING", "propagate": False},
    },
}
