"""Bearer tokens and what each may do.

One line a token: `ROLE[,ROLE] TOKEN`, or `ROLE[,ROLE] sha256:HEX` for who would rather not have
the token itself in a file. Blank lines and lines that begin with `#` say nothing. In memory
there are digests only, and no error, log line or `repr` shows a token.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from lifecycle.errors import UsageError

SCORE, INGEST, ADMIN = "score", "ingest", "admin"
ROLES = (SCORE, INGEST, ADMIN)
SHORTEST = 16
DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")
# What a bearer token may be made of (RFC 6750).
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True)
class Tokens:
    """Digests of tokens, each with the roles of who holds it. `admin` may do everything."""

    held: tuple[tuple[bytes, frozenset[str]], ...] = field(repr=False)

    def roles(self, token: bytes) -> frozenset[str]:
        """What the token's holder may do; nothing when nobody holds it.

        Digests of one length are compared, each of them and each in constant time, so that
        the time tells neither how near a guess is nor which line it is near to.
        """
        digest, found = sha256(token).digest(), frozenset[str]()
        for known, roles in self.held:
            if hmac.compare_digest(known, digest):
                found = roles
        return found


def read_tokens(file: Path | None, text: str = "") -> Tokens | None:
    """Tokens of a file and of a text (an environment variable); None where neither is given.

    Raises:
        UsageError: the file cannot be read, a line is no token, or there is none at all.
    """
    if file is None and not text:
        return None
    held = [*(parse(contents(file), str(file)) if file else ()), *parse(text, "ONRAMP_TOKENS")]
    if not held:
        raise UsageError("There is no token.", do="Write one a line: `score TOKEN`.")
    if len({digest for digest, _ in held}) < len(held):
        raise UsageError("A token is there twice.", do="Give it all its roles on one line.")
    return Tokens(tuple(held))


def contents(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The tokens in {file} cannot be read.", found=f"{type(error).__name__}."
        ) from error


def parse(text: str, where: str) -> list[tuple[bytes, frozenset[str]]]:
    """Each line's digest and roles. Faults name the line, never what is on it."""
    lines = enumerate(text.splitlines(), start=1)
    return [
        entry(line, f"Line {number} of {where}")
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def entry(line: str, where: str) -> tuple[bytes, frozenset[str]]:
    words = line.split()
    if len(words) != 2:  # noqa: PLR2004  roles and token
        raise UsageError(f"{where} is no token.", do="Write `ROLE[,ROLE] TOKEN`.")
    roles, token = frozenset(words[0].split(",")), words[1]
    if not roles <= set(ROLES):
        # the word itself may be a token in the wrong place
        raise UsageError(
            f"{where} does not begin with roles.", found=f"Known roles: {', '.join(ROLES)}."
        )
    return digest_of(token, where), roles


def digest_of(token: str, where: str) -> bytes:
    if written := DIGEST.fullmatch(token):
        return bytes.fromhex(written[1])
    if len(token) < SHORTEST or not TOKEN.fullmatch(token):
        raise UsageError(
            f"{where} holds a token that cannot be one.",
            found=f"It needs at least {SHORTEST} letters, digits or any of `._~+/-`.",
            do="Make one with `openssl rand -hex 24`.",
        )
    return sha256(token.encode("ascii")).digest()
