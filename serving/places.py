"""Answers are for strangers: they name no place of this machine, and no password of another."""

from __future__ import annotations

import re

# In quotes a path may hold blanks. Without them it ends at the first; a slash in the middle of
# an address or of a word begins none, but a path may follow `sqlite:///`.
QUOTED = re.compile(r"(?<=(['\"]))(?:file://)?/(?:(?!\1)[^\n])*?/?((?:(?!\1)[^/\n])*)(?=\1)")
BARE = re.compile(
    r"(?:(?<=:///)|(?<=file://)|(?<![\w:/.<-]))/(?:[^\s/'\"]+/)+([^\s/'\"]*)"
)  # two parts at least: a page such as /ready is no place
SECRET = re.compile(r"(?<=://)[^\s/@'\"]+@")


def without_places(text: str) -> str:
    """The text with each absolute path cut to its last part, and addresses without a password."""
    if "/" not in text:
        return text
    text = SECRET.sub("…@", text)
    text = QUOTED.sub(lambda found: f"…/{found[2]}", text)
    return BARE.sub(lambda found: f"…/{found[1]}", text)
