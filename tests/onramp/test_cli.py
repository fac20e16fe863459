"""The front door: verbs, help, exit codes, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.errors import Refused
from onramp.cli import VERBS, run

HEAVY = frozenset(
    {"mlflow", "feast", "evidently", "sklearn", "optuna", "pandas", "duckdb", "matplotlib"}
)


def loaded_after(*arguments: str) -> set[str]:
    """Names of the modules that one command line loads."""
    script = (
        "import sys\nfrom onramp.cli import run\n"
        f"code = run({list(arguments)!r})\n"
        "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


LOADED = f"""
import sys
from onramp.cli import VERBS, run

for words in [[], *([verb] for verb in VERBS)]:
    code = run([*words, "--help"])
    print(*words, "ended with", code, file=sys.stderr)
    print(*words, "loads", *{HEAVY!r} & sys.modules.keys(), file=sys.stderr)
"""


def test_help_names_every_verb_and_loads_no_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists all verbs from the table and imports nothing heavy, which keeps it quick."""
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {verb} " in printed for verb in VERBS)


def test_every_verb_explains_itself_without_loading_its_stage() -> None:
    """`onramp VERB --help` answers for each verb in the table before any heavy import.

    One process for all of them: what the first loads is there for the next, so each is named.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    said = done.stderr.splitlines()
    assert [line for line in said if line.partition("loads")[2]] == []
    assert [f"{verb} ended with 0" for verb in VERBS if f"{verb} ended with 0" not in said] == []


@pytest.mark.parametrize(("verb", "help_line"), VERBS.items())
def test_the_table_says_what_the_verb_says(verb: str, help_line: str) -> None:
    """The line in the overview is the first line of the verb's own help."""
    from importlib import import_module  # noqa: PLC0415

    assert import_module(f"onramp.verbs.{verb}").command.help.splitlines()[0] == help_line


def test_an_unknown_verb_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error ends in exit code 2 and the name that was meant."""
    assert run(["trian"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: No verb named 'trian'.")
    assert "Did you mean 'train'?" in error


def test_an_empty_home_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A verb that needs data exits with 4 and names the verbs that bring it."""
    assert run(["status", "--home", str(tmp_path)]) == 4
    assert "Run `onramp simulate` and `onramp ingest`, or `onramp demo`." in capsys.readouterr().err


def test_an_error_is_json_when_json_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json a machine reads what, what was found, what to do and the exit code."""
    assert run(["status", "--json", "--home", str(tmp_path)]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == 4
    assert answer["error"]["found"] == "Nothing was ingested yet."


def test_a_misspelt_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that would silently do nothing is an error with the right name."""
    monkeypatch.setenv("ONRAMP_HOEM", "/tmp/x")  # noqa: S108  never opened
    assert run(["status"]) == 2
    assert "Did you mean 'ONRAMP_HOME'?" in capsys.readouterr().err


def test_a_file_is_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Naming a file as the home is told before anything is written to it."""
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    assert run(["status", "--home", str(file)]) == 2
    assert "It is a file." in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_an_unforeseen_error_keeps_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw exits with 1 and leaves what is needed to mend it."""
    (tmp_path / "dataset.toml").mkdir()
    assert run(["status", "--home", str(tmp_path)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_exit_codes_are_those_that_the_help_names() -> None:
    """The gate's no has a code of its own that no other error has."""
    assert Refused.exit_code == 10


def test_a_task_or_all_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """A verb over tasks acts on nothing unless told on what."""
    assert run(["score", "--as-of", "31.10.2026"]) == 2
    assert "'31.10.2026' is not a time." in capsys.readouterr().err
