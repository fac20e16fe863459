"""Running commands as a newcomer types them: this environment's programs, no settings of ours."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lifecycle.settings import PREFIX

SECONDS = 1_800
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Done:
    """One command that was run."""

    line: str
    code: int
    output: str
    errors: str


def environ() -> dict[str, str]:
    """This environment without our settings, with this interpreter's programs first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept


def shell(line: str, place: Path, settings: Mapping[str, str] = NOTHING) -> Done:
    """Run one line in `place` and wait for its end."""
    done = subprocess.run(
        shlex.split(line, comments=True), cwd=place, env={**environ(), **settings},
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    return Done(line, done.returncode, done.stdout, done.stderr)


def start(line: str, place: Path, settings: Mapping[str, str] = NOTHING) -> subprocess.Popen[bytes]:
    """Start one line in `place` and come back at once."""
    return subprocess.Popen(
        shlex.split(line), cwd=place, env={**environ(), **settings},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
