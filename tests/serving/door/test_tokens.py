"""serving.door.tokens: what a file of tokens means, and that nothing shows one."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import UsageError
from serving.door.tokens import ROLES, parse, read_tokens

SECRET = "c2VjcmV0LXRva2Vu.0123456789"  # noqa: S105  made up, opens nothing
OTHER = "another-token-0123456789"
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789._~+/-", min_size=16, max_size=60)


def test_lines_become_roles(tmp_path: Path) -> None:
    """Several roles on a line, comments, blank lines, a digest instead of the token."""
    file = tmp_path / "tokens"
    digest = sha256(OTHER.encode()).hexdigest()
    file.write_text(f"# the shop\nscore,ingest {SECRET}\n\n  admin sha256:{digest}\n")
    tokens = read_tokens(file)
    assert tokens is not None
    assert tokens.roles(SECRET.encode()) == {"score", "ingest"}
    assert tokens.roles(OTHER.encode()) == {"admin"}
    assert tokens.roles(f"sha256:{digest}".encode()) == frozenset()
    assert tokens.roles(b"") == frozenset()


def test_file_and_variable_add_up(tmp_path: Path) -> None:
    """Both are read; none of both means that nobody is asked."""
    file = tmp_path / "tokens"
    file.write_text(f"score {SECRET}\n")
    tokens = read_tokens(file, f"admin {OTHER}")
    assert tokens is not None
    assert tokens.roles(OTHER.encode()) == {"admin"}
    assert tokens.roles(SECRET.encode()) == {"score"}
    assert read_tokens(None, "") is None


@given(token=WORDS, role=st.sampled_from(ROLES), guess=st.binary(max_size=60))
@settings(deadline=None)
def test_only_the_token_itself_opens(token: str, role: str, guess: bytes) -> None:
    """Its own bytes have its role, any others have none."""
    tokens = read_tokens(None, f"{role} {token}")
    assert tokens is not None
    assert tokens.roles(token.encode()) == {role}
    assert tokens.roles(guess) == ({role} if guess == token.encode() else frozenset())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SECRET, "Line 1 of here is no token. Write `ROLE[,ROLE] TOKEN`."),
        (f"{SECRET} score", "Line 1 of here does not begin with roles."),
        (f"\nscroe {SECRET}", "Line 2 of here does not begin with roles."),
        ("score tooshort", "It needs at least 16 letters"),
        (f"score {SECRET}é", "It needs at least 16 letters"),
        ("score sha256:beef-beef-beef-beef", "It needs at least 16 letters"),
        (f"score {SECRET} twice", "is no token"),
    ],
)
def test_a_bad_line_is_named_and_never_shown(text: str, words: str) -> None:
    """The error has the line's number and what it should be, not what stands there."""
    with pytest.raises(UsageError) as caught:
        parse(text, "here")
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_token_is_there_once() -> None:
    """Two lines for one token would leave open which one counts."""
    with pytest.raises(UsageError, match="A token is there twice"):
        read_tokens(None, f"score {SECRET}\nadmin {SECRET}")


def test_an_empty_or_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that was meant to close the door does not open it by being empty."""
    empty = tmp_path / "tokens"
    empty.write_text("# nobody yet\n")
    with pytest.raises(UsageError, match="There is no token"):
        read_tokens(empty)
    with pytest.raises(UsageError, match=r"cannot be read\. FileNotFoundError"):
        read_tokens(tmp_path / "nowhere")


def test_nothing_shows_a_token() -> None:
    """Neither the token nor its digest is in what is printed of the value."""
    tokens = read_tokens(None, f"score {SECRET}")
    assert SECRET not in repr(tokens)
    assert sha256(SECRET.encode()).hexdigest() not in repr(tokens)
    assert "sha" not in repr(tokens)
