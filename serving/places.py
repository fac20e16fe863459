"""Answers are for strangers: they name no place of this machine, and no password of another."""

from __future__ import annotations

import re

# In quotes a path may hold blanks. Without them it ends at the first; a slash in the middle of
# an address or of a word begins none, but a path may follow `sqlite:///`. Possessive, because
# errors repeat what callers sent: however it was made, it is looked through once.
QUOTED = re.compile(r"(['\"])((?:file://)?/(?:(?!\1)[^\n])*+)(?=\1)")
BARE = re.compile(
    r"(?:(?<=:///)|(?<=file://)|(?<![\w:/.<-]))/(?:[^\s/'\"]++/)++[^\s/'\"]*+"
)  # two parts at least: a page such as /ready is no place
# An error that repeats a whole body helps nobody, and is looked through while others wait.
LONGEST = 4_000
SECRET = re.compile(r"(?<=://)[^\s/@'\"]++@")


def without_places(text: str) -> str:
    """The text with each absolute path cut to its last part, and addresses without a password.

    Of a text longer than an error has reason to be, the beginning.
    """
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    if "/" not in text:
        return text
    text = SECRET.sub("…@", text)
    text = QUOTED.sub(lambda found: found[1] + last_part(found[2]), text)
    return BARE.sub(lambda found: last_part(found[0]), text)


def last_part(path: str) -> str:
    """What lies there, without where."""
    return f"…/{path.rpartition('/')[2]}"
