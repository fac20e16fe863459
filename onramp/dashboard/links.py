"""Where a page's links lead: to Evidently's reports and to MLflow's runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from lifecycle.errors import UsageError
from lifecycle.home import Home
from onramp.overview.look import Look

MLFLOW_UI = "http://127.0.0.1:5000"  # where `mlflow ui` answers unless told otherwise
REPORTS = ("report.html", "performance.html", "report.json", "window.json")
OF_SEGMENT = re.compile(r"performance-(?P<number>\d+)-(?P<segment>[a-z0-9-]*)\.html")


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses for one page.

    Attributes:
        mlflow: where MLflow's pages are; no slash at its end.
        written: the folder that the page is written into; None: it is served, and so are reports.
    """

    mlflow: str = MLFLOW_UI
    written: Path | None = None

    def run(self, experiments: Mapping[str, str], experiment: str, run_id: str | None) -> str:
        """MLflow's page of a run; empty where there is none."""
        if not run_id or experiment not in experiments:
            return ""
        return (
            f"{self.mlflow}/#/experiments/{quote(experiments[experiment], safe='')}/runs/"
            + quote(run_id, safe="")
        )

    def report(self, look: Look, name: str | None) -> str:
        """A file of a look; empty where there is none."""
        if name is None or not shown(name) or not (look.folder / name).is_file():
            return ""
        if self.written is None:
            return quote(f"reports/{look.task}/{look.folder.name}/{name}")
        return quote(Path(os.path.relpath(look.folder / name, self.written)).as_posix())


def shown(name: str) -> bool:
    """Whether a file of a look is one of those that are handed out."""
    return name in REPORTS or OF_SEGMENT.fullmatch(name) is not None


def segment_of(name: str) -> str:
    """What a segment's report is called, by its file's name; two may read alike."""
    found = OF_SEGMENT.fullmatch(name)
    return f"{found['segment']} ({found['number']})" if found else name


def mlflow_address(home: Home, wanted: str | None) -> str:
    """Where MLflow's pages are: as was said, else the server's own, else where `mlflow ui` answers.

    A name and a password in it stay out of the page.

    Raises:
        UsageError: what was said is no address.
    """
    given = wanted or (home.tracking_uri if home.mlflow_file is None else MLFLOW_UI)
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        if wanted:
            raise UsageError(f"{wanted!r} is no address.", do=f"Write it as {MLFLOW_UI}.")
        return MLFLOW_UI
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
