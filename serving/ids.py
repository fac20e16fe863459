"""What may name a customer in a request."""

from __future__ import annotations

import unicodedata

from lifecycle.errors import UsageError

LONGEST_ID = 200

# Control, surrogate and unassigned characters name nobody and break logs and terminals.
FORBIDDEN = frozenset({"Cc", "Cs", "Cn"})


def customer_id(text: str) -> str:
    """The id as it was given.

    Raises:
        UsageError: it is empty, too long, or holds a character that cannot be part of a name.
    """
    if not text.strip():
        raise UsageError("The customer id is empty.", do="Name a customer.")
    if len(text) > LONGEST_ID:
        raise UsageError(
            "The customer id is too long.",
            found=f"It has {len(text)} characters; {LONGEST_ID} are allowed.",
        )
    for place, character in enumerate(text):
        if unicodedata.category(character) in FORBIDDEN:
            raise UsageError(
                "The customer id holds a character that is no text.",
                found=f"U+{ord(character):04X} at position {place}.",
                do="Send the id without it.",
            )
    return text
