"""Every documented command works: each parses, and the README's walk is walked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from lifecycle.settings import PREFIX, Settings
from onramp.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"(?P<run><!-- run -->\n)?```(?:bash|console|sh)\n(?P<body>.*?)```", re.DOTALL)
CRON_FIELDS = re.compile(r"^(?:@\w+|(?:[\d*/,-]+\s+){5})\s*")


def commands(page: Path) -> list[list[str]]:
    """The words of every `onramp …` line of a page's shell blocks, also in crontab lines."""
    found = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        text = block["body"].replace("\\\n", " ")
        for line in text.splitlines():
            for part in re.split(r"&&|;|\|", CRON_FIELDS.sub("", line.strip())):
                words = shlex.split(part, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words = words[1:]
                if words and Path(words[0]).name == "onramp":
                    found.append(words[1:])
    return found


ALL = [
    pytest.param(words, id=f"{page.stem}: {' '.join(words)}")
    for page in PAGES
    for words in commands(page)
]


def test_the_pages_hold_commands() -> None:
    """The reader of the pages finds what it is meant to check."""
    assert len(ALL) >= 10


@pytest.mark.parametrize("words", ALL)
def test_a_documented_command_is_one_that_exists(words: list[str]) -> None:
    """The verb and each of its options are known, and arguments have the right form."""
    if words[0].startswith("-"):
        return
    verb: click.Command = import_module(f"onramp.verbs.{words[0]}").command
    arguments = [word for word in words[1:] if word not in {"--help", "-h"}]
    try:
        verb.make_context(words[0], arguments)
    except click.BadParameter as error:  # an example's folder need not exist on this machine
        assert "does not exist" in error.message  # noqa: PT017


def test_the_readme_names_every_verb_and_every_setting() -> None:
    """Nothing that a user can say is left out of the first page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"| `{verb}` |" not in text] == []
    names = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if name not in text] == []


def test_the_readmes_walk_can_be_walked(tmp_path: Path) -> None:
    """Step by step, as a newcomer types it, each command ends with 0."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (walk,) = [block["body"] for block in BLOCK.finditer(text) if block["run"]]
    for line in walk.splitlines():
        words = shlex.split(line)
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
