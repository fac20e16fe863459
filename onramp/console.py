"""What the front door prints: sentences for people, JSON for machines, bars on a terminal."""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from lifecycle.errors import OnrampError
from lifecycle.progress import Progress, bar, silent
from lifecycle.strict_json import plain


def show(report: Any, lines: Sequence[str], *, as_json: bool) -> None:
    """Print a report: its lines, or the whole of it as one JSON document."""
    if as_json:
        click.echo(json.dumps(plain(report), indent=2, allow_nan=False))
    else:
        for line in lines:
            click.echo(line)


def fail(error: Exception, *, as_json: bool) -> int:
    """Print an error and return its exit code. One that nobody foresaw keeps its traceback."""
    foreseen = isinstance(error, OnrampError)
    code = error.exit_code if isinstance(error, OnrampError) else 1
    if not foreseen:
        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        what = error.what if isinstance(error, OnrampError) else repr(error)
        found = error.found if isinstance(error, OnrampError) else ""
        do = error.do if isinstance(error, OnrampError) else "Report it with the text above."
        body = {"error": {"what": what, "found": found, "do": do}, "exit_code": code}
        click.echo(json.dumps(body, indent=2))
    else:
        click.echo(f"error: {error}", err=True)
    return code


def bars(*, as_json: bool = False) -> Progress:
    """Progress bars on a terminal; nothing in a pipe, in a log or beside JSON."""
    if as_json or not sys.stderr.isatty():
        return silent
    return bar


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of text with columns aligned; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def share(value: float | None) -> str:
    """A metric with four decimals, or a dash."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.4f}"
