"""Whom to tell, read from a document: nothing misspelt, nothing secret in the open."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.channels import USUAL, Email, Slack, Webhook, channels
from lifecycle.errors import UsageError

SECRET = "s3cr3t-word"  # noqa: S105 - made up
EACH = """
[[channel]]
name = "pager"
kind = "webhook"
url = "https://hooks.example.org/very-private-path"
secret = { env = "PAGER_SECRET" }

[[channel]]
name = "team"
kind = "slack"
on = ["awaiting approval"]
url = { file = "slack-url" }

[[channel]]
name = "mail"
kind = "email"
host = "mail.example.org"
sender = "onramp@example.org"
to = ["ada@example.org"]

[[channel]]
name = "siren"
kind = "command"
command = ["/usr/bin/siren", "--loud"]
"""
OPEN_POST = """
[[channel]]
name = "a"
kind = "webhook"
url = "http://a.org/p4th"
secret = "x"
"""
OPEN_MAIL = """
[[channel]]
name = "a"
kind = "email"
host = "a.org"
security = "none"
sender = "a@b"
to = ["c@d"]
"""


def written(tmp_path: Path, text: str, rights: int = 0o644) -> Path:
    path = tmp_path / "notify.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(rights)
    return path


def private_file(tmp_path: Path, rights: int = 0o600) -> None:
    path = tmp_path / "slack-url"
    path.write_text("https://hooks.slack.com/services/very-private-path\n")
    path.chmod(rights)


def test_each_kind_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the home's own file; secrets from a variable and from a private file."""
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    private_file(tmp_path)
    written(tmp_path, EACH)
    pager, team, mail, siren = channels(None, "", tmp_path)
    assert isinstance(pager, Webhook)
    assert isinstance(team, Slack)
    assert isinstance(mail, Email)
    assert pager.secret.get_secret_value() == SECRET
    assert team.url.get_secret_value().endswith("/services/very-private-path")
    assert (mail.port, mail.security) == (587, "starttls")
    assert (pager.on, team.on, siren.kind) == (USUAL, ("awaiting approval",), "command")
    shown = repr((pager, team, mail, siren))
    assert SECRET not in shown
    assert "very-private-path" not in shown


def test_a_variable_goes_before_a_file_and_no_file_is_no_channel(tmp_path: Path) -> None:
    """ONRAMP_NOTIFY is the environment's: its secrets may stand in it."""
    assert channels(None, "", tmp_path) == ()
    written(tmp_path, EACH)
    text = f'[[channel]]\nname="a"\nkind="webhook"\nurl="https://a.org/x"\nsecret="{SECRET}"\n'
    (only,) = channels(tmp_path / "notify.toml", text, tmp_path)
    assert only.name == "a"


@pytest.mark.parametrize("kind", ["webhook", "slack", "email"])
def test_a_secret_in_a_document_that_others_may_read(tmp_path: Path, kind: str) -> None:
    """It is refused, and not said; with private rights it is taken."""
    text = {
        "webhook": f'url = "https://a.org/x"\nsecret = "{SECRET}"',
        "slack": f'url = "https://a.org/{SECRET}"',
        "email": f'host="a"\nsender="a@b"\nto=["c@d"]\npassword = "{SECRET}"',
    }[kind]
    path = written(tmp_path, f'[[channel]]\nname = "one"\nkind = "{kind}"\n{text}\n')
    with pytest.raises(UsageError, match="which others may read") as refused:
        channels(None, "", tmp_path)
    assert SECRET not in str(refused.value)
    assert "chmod 600" in str(refused.value)
    path.chmod(0o600)
    assert len(channels(None, "", tmp_path)) == 1


def test_a_secrets_file_that_others_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; what it holds is not."""
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    private_file(tmp_path, 0o640)
    written(tmp_path, EACH)
    with pytest.raises(UsageError, match="slack-url, which others may read") as refused:
        channels(None, "", tmp_path)
    assert "very-private-path" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[channel]\n", "is not TOML"),
        ("[channel]\n", r"one \[channel\]"),
        ("[[chanel]]\n", "It holds chanel"),
        ('[[channel]]\nname="a"\nkind="pigeon"\n', "pigeon"),
        ('[[channel]]\nname="a"\nkind="command"\ncommand=[]\n', "command"),
        ('[[channel]]\nname="a"\nkind="command"\ncommand=["x"]\nshell=true\n', "shell"),
        ('[[channel]]\nname="a"\nkind="command"\ncommand=["x"]\non=["won"]\n', r"on\.0"),
        ('[[channel]]\nname="A b"\nkind="command"\ncommand=["x"]\n', "name"),
        ('[[channel]]\nname="a"\nkind="command"\ncommand=["x"]\n' * 2, "Two channels"),
        ('[[channel]]\nname="a"\nkind="slack"\nurl={env="NOT_SET_AT_ALL"}\n', "is not set"),
        ('[[channel]]\nname="a"\nkind="slack"\nurl={file="gone"}\n', "cannot be read"),
        ('[[channel]]\nname="a"\nkind="slack"\nurl={vault="x"}\n', "cannot be read"),
        (OPEN_POST, "in the open to a.org"),
        (OPEN_MAIL, "in the open to a.org"),
        ('[[channel]]\nname="a"\nkind="email"\nhost="a.org"\nsender="a@b"\nto=[]\n', "to"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With what is wrong, and never with what stands there."""
    written(tmp_path, text, 0o600)
    with pytest.raises(UsageError, match=words) as refused:
        channels(None, "", tmp_path)
    assert "p4th" not in str(refused.value)


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    """Named and missing is an error; a home without one is not."""
    with pytest.raises(UsageError, match="ONRAMP_NOTIFY_FILE names it"):
        channels(tmp_path / "gone.toml", "", tmp_path)
