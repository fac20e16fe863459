"""`onramp doctor`: exit codes and JSON that a scheduler can trust."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from onramp.cli import run

TOML = """
name = "toy"
title = "A toy"
source = "made up"

[vocabulary]
events = ["login"]
"""


def test_it_finds_mends_and_then_finds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 while something is left, 0 once it was mended; the same report as words and as JSON."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dataset.toml").write_text(TOML)
    left = home / "reports" / "page.html.unfinished"
    left.parent.mkdir()
    left.write_text("<ht")
    os.utime(left, (time.time() - 7200,) * 2)
    told = []
    for words, code in (("doctor", 3), ("doctor --mend", 0), ("doctor", 0), ("doctor --json", 0)):
        assert run([*words.split(), "--home", str(home), "--actor", "tester"]) == code
        told.append(capsys.readouterr().out)
    assert "unfinished files: 1 unfinished files of killed" in told[0]
    assert told[0].rstrip().endswith("`onramp doctor --mend` does what is said under mend.")
    assert "did:   delete them" in told[1]
    assert told[2].rstrip().endswith("Nothing is wrong.")
    report = json.loads(told[3])
    assert (report["left"], report["versions"]) == ([], 0)
    assert "churn" in report["tasks"]
