"""What a request needs to be let in: rules as data, the first that fits, and `admin` by default.

An endpoint that nobody thought of here is one that only an administrator reaches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from serving.door.tokens import ADMIN, INGEST, SCORE

READ = frozenset({"GET", "HEAD"})
WRITE = frozenset({"POST"})
ANYBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Requests of these methods to this path.

    Attributes:
        roles: one of them suffices; none at all is needed where the set is empty.
        work: costs enough to be counted and, under too much load, shed. What is asked to learn
            how the server fares never is.
    """

    methods: frozenset[str]
    path: re.Pattern[str]
    roles: frozenset[str]
    work: bool


def rule(methods: frozenset[str], path: str, roles: frozenset[str], *, work: bool) -> Rule:
    return Rule(methods=methods, path=re.compile(path), roles=roles, work=work)


RULES = (
    rule(WRITE, r"/invocations", frozenset({SCORE, ADMIN}), work=True),
    rule(WRITE, r"/[^/]+/(?:invocations|score)", frozenset({SCORE, ADMIN}), work=True),
    rule(READ, r"(?s:/api/.*)", frozenset({SCORE, ADMIN}), work=True),
    rule(WRITE, r"/events", frozenset({INGEST, ADMIN}), work=True),
    rule(READ, r"/(?:ping|health|version|ready)", ANYBODY, work=False),
    rule(READ, r"/(?:|openapi\.json|docs|favicon\.ico|page/.+)", ANYBODY, work=False),
    rule(READ, r"/metrics", frozenset({SCORE, ADMIN}), work=False),
    rule(READ, r"/shadow", frozenset({SCORE, ADMIN}), work=True),
)
OTHERWISE = rule(frozenset(), r"", frozenset({ADMIN}), work=True)


def needs(method: str, path: str) -> Rule:
    """The rule for a request."""
    for known in RULES:
        if method in known.methods and known.path.fullmatch(path):
            return known
    return OTHERWISE
