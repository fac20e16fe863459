"""serving.door.log_lines: what a line of the server's log looks like."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.serving.live import ROOT

SCRIPT = """
import logging, logging.config
from serving.door.envelope import request_id
from serving.door.log_lines import LINES
logging.config.dictConfig(dict(LINES))
request_id.set("r-7")
logging.getLogger("onramp.serving").info("a word")
logging.getLogger("uvicorn.error").warning("another")
logging.getLogger("mlflow.models.utils").warning("extra inputs: ['what a caller wrote']")
logging.getLogger("uvicorn.access").info("GET /api/personalization/ann?token=secret")
"""


def test_a_line_names_its_request() -> None:
    """Time, level, who says it, the request; of what was asked for, nothing."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ours, uvicorns = done.stderr.splitlines()
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    assert re.fullmatch(stamp + r" INFO onramp\.serving \[r-7\] a word", ours)
    assert re.fullmatch(stamp + r" WARNING uvicorn\.error \[r-7\] another", uvicorns)
