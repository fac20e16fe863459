"""Paths by the route that takes them: a label has as many values as there are routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from re import Pattern
from typing import Any

from starlette.routing import BaseRoute, Mount

OTHER = "other"  # what strangers try
NOTHING = re.compile(r"(?!)")


class Routes:
    """Names paths; the routes are read with the first request, when all of them are there."""

    def __init__(self, routes: Callable[[], Iterable[BaseRoute]]) -> None:
        self.routes = routes
        self._fixed: dict[str, str] = {}
        self._patterns: Sequence[tuple[Pattern[str], str]] | None = None

    def name(self, path: str) -> str:
        """`/churn/score` → `/{task}/score`; a path of no route is `other`."""
        if self._patterns is None:
            self._patterns = self._read()
        known = self._fixed.get(path)
        if known is not None:
            return known
        return next((name for regex, name in self._patterns if regex.match(path)), OTHER)

    def _read(self) -> Sequence[tuple[Pattern[str], str]]:
        patterns = []
        for route in self.routes():
            path, regex = attributes(route)
            if isinstance(route, Mount):
                patterns.append((regex, f"{shown(path)}/{{path}}"))
            elif path and "{" not in path:
                self._fixed.setdefault(path, path)
            elif path:
                patterns.append((regex, shown(path)))
        return patterns


def attributes(route: Any) -> tuple[str, Pattern[str]]:
    """Path and pattern of a route of any of Starlette's kinds; a host has neither."""
    return getattr(route, "path", ""), getattr(route, "path_regex", NOTHING)


def shown(path: str) -> str:
    """`/api/{user_id:any}` → `/api/{user_id}`: the convertor is nobody's business."""
    parts = path.split("/")
    return "/".join(
        f"{part.partition(':')[0]}}}" if part.startswith("{") and ":" in part else part
        for part in parts
    )
