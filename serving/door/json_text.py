"""What is wrong with the text of a JSON body that parsers let through, or choke on.

Python's parser takes NaN and half of a surrogate pair, which JSON has not, and nests until the
interpreter's stack ends. Each look is one pass in C over the bytes, and most bodies need none.
"""

from __future__ import annotations

import re

MOST_DEPTH = 32

# Possessive, and without need of the last quote, so that a hostile body costs one pass.
STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
NO_NUMBER = re.compile(rb"-?\b(?:NaN|Infinity)\b")
# Up to the first escaped half of a pair that has no other half.
HALF = re.compile(
    rb"(?:[^\\]++"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\(?!u[dD][89a-fA-F]).)*+"
    rb"\\u[dD][89a-fA-F]",
    re.DOTALL,
)
NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'[]{}"')))
AS_LISTS = bytes.maketrans(b"{}", b"[]")


def fault(body: bytes) -> str:
    """Why the body is not taken, in a sentence or two; empty when it may go on to a parser."""
    if not body.isascii() and (words := not_utf8(body)):
        return words
    if too_deep(body):
        return f"The JSON is nested too deep. {MOST_DEPTH} levels are allowed."
    if b"NaN" in body or b"Infinity" in body:
        found = NO_NUMBER.search(outside_strings(body))
        if found:
            return f"{found[0].decode()} is no JSON number. Send null for what is not known."
    if b"\\u" in body and HALF.match(body):
        return "The JSON holds half of a surrogate pair, which is no text."
    return ""


def not_utf8(body: bytes) -> str:
    """Where the bytes stop being UTF-8."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{body[error.start]:02X} at position {error.start}"
        return f"The body is not UTF-8: {found}. Send JSON in UTF-8."
    return ""


def outside_strings(body: bytes) -> bytes:
    """The body with every string empty."""
    return STRINGS.sub(b'""', body)


def too_deep(body: bytes) -> bool:
    """Whether lists and objects are nested deeper than allowed, whatever else is wrong."""
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:
        return False
    marks = structure(body)
    if b"[" * (MOST_DEPTH + 1) in marks:
        return True
    for _ in range(MOST_DEPTH):
        peeled = marks.replace(b"[]", b"")
        if len(peeled) == len(marks):
            return marks.count(b"[") > MOST_DEPTH
        marks = peeled
    return b"[" in marks


def structure(body: bytes) -> bytes:
    """Brackets alone, braces as brackets too: `{"a": [1, "["]}` → `[[]]`."""
    if b"\\" not in body:
        marks = body.translate(AS_LISTS, NOT_STRUCTURE).replace(b'""', b"")
        # A bracket in a string has an odd number of quotes before it, and taking out pairs keeps
        # it odd: where none is left, no string held a bracket.
        if b'"' not in marks:
            return marks
    return outside_strings(body).translate(AS_LISTS, NOT_STRUCTURE).replace(b'""', b"")
