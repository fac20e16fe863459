"""onramp serve: what it refuses before it binds anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from onramp.cli import run
from tests.serving.conftest import Forged

TOKEN = "score-token-0123456789"  # noqa: S105  made up, opens nothing
OTHERS = ["--host", "192.0.2.7"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two files of tokens, one of which is none."""
    (tmp_path / "good").write_text(f"score {TOKEN}\n")
    (tmp_path / "bad").write_text(f"{TOKEN} score\n")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (OTHERS, "192.0.2.7 can be reached by other machines. Bind 127.0.0.1, or say --public"),
        ([*OTHERS, "--public"], "Everybody who reaches 192.0.2.7 could ask anything."),
        (["--tokens", "bad"], "does not begin with roles."),
        (["--tokens", "missing"], "cannot be read. FileNotFoundError."),
        (["--tokens", "good", "--no-tokens"], "Tokens or none?"),
    ],
)
def test_what_is_missing_is_said(
    bare: Forged,
    files: Path,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong usage, in words that show no token."""
    monkeypatch.chdir(files)
    assert run(["serve", "--home", str(bare.home.root), *options]) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert TOKEN not in printed


def test_the_variable_takes_tokens_too(
    bare: Forged, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ONRAMP_TOKENS is read as a file is, and a fault in it is named."""
    monkeypatch.setenv("ONRAMP_TOKENS", "score short")
    assert run(["serve", "--home", str(bare.home.root)]) == 2
    assert "Line 1 of ONRAMP_TOKENS holds a token that cannot be one." in capsys.readouterr().err
