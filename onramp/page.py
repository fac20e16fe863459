"""Pages that a browser opens without a network: one file each, every value escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES = Path(__file__).resolve().parent / "pages"


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of `onramp/pages`; a value that it names and nobody gives is an error."""
    pages = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return pages.get_template(template).render({"written": written, **values})
