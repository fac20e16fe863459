"""Every documented command works: each parses, and the README's walk is walked."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path

import click
import pytest

from lifecycle.home import Home, open_home
from lifecycle.job_states import WORKING
from lifecycle.jobs import Jobs
from lifecycle.settings import PREFIX, Settings
from onramp.cli import VERBS, run
from tests.newcomer import Done, shell, start

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"(?P<run><!-- run -->\n)?```(?:bash|console|sh)\n(?P<body>.*?)```", re.DOTALL)
HOME = ".onramp-steps"
SETTINGS = {"ONRAMP_HOME": HOME}
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
        context = verb.make_context(words[0], arguments)
        if isinstance(verb, click.Group):
            name, below, arguments = verb.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert below is not None
            below.make_context(name, arguments)
    except click.BadParameter as error:  # an example's folder need not exist on this machine
        assert "does not exist" in error.message  # noqa: PT017


def test_the_readme_names_every_verb_and_every_setting() -> None:
    """Nothing that a user can say is left out of the first page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"| `{verb}` |" not in text] == []
    names = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if name not in text] == []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the newcomer types."""
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def walked(place: Path) -> tuple[Done, ...]:
    """Each command of the README's walk, run as a newcomer types it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (walk,) = [block["body"] for block in BLOCK.finditer(text) if block["run"]]
    settings, done = {}, []
    for line in walk.splitlines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            settings[name] = value
        elif not line.startswith("source "):  # this environment comes first already
            done.append(shell(line, place, settings))
    return tuple(done)


def test_the_readmes_walk_can_be_walked(walked: tuple[Done, ...]) -> None:
    """Step by step, as a newcomer types it, each command ends with 0 or with the code it names."""
    assert [done for done in walked if done.code != expected(done.line)] == []


def expected(line: str) -> int:
    """What a comment such as `# exit 10: …` says; else 0."""
    said = re.search(r"# exit (\d+)\b", line)
    return int(said[1]) if said else 0


def test_everything_stays_in_the_home(walked: tuple[Done, ...], place: Path) -> None:
    """No mlruns, mlflow.db or anything else appears beside the home."""
    assert walked
    assert [path.name for path in place.iterdir()] == [HOME]


def test_the_walks_trainings_stand_on_one_board(
    walked: tuple[Done, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`onramp leaderboard` as a person and as a program reads it."""
    assert walked
    told = json.loads(said(capsys, "leaderboard", "churn", "--json", place=place))
    versions = {one["version"] for exam in told["exams"] for one in exam["standings"]}
    assert versions == {1, 2}
    shown = said(capsys, "leaderboard", "churn", place=place)
    assert "churn by log_loss (lower is better)" in shown


def test_a_version_is_made_again_in_another_process(walked: tuple[Done, ...], place: Path) -> None:
    """`onramp reproduce` fits the same bytes, on more threads and with another hash seed."""
    assert walked
    other = {**SETTINGS, "OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "1"}
    done = shell("onramp reproduce churn 1 --json", place, other)
    assert done.code == 0, done.errors
    report = json.loads(done.output)
    assert report["verdict"] == "identical"
    assert report["files"] == dict.fromkeys(("forest.txt", "model.json", "recipe.json"), True)


def test_mlflow_runs_the_verbs(walked: tuple[Done, ...], place: Path) -> None:
    """`mlflow run` with the documented words trains one more version in the same home."""
    assert walked
    done = shell(
        f"mlflow run {ROOT} -e train -P task=churn -P trials=2 --env-manager local"
        f" --experiment-name onramp",
        place,
        # MLflow runs an entry point in the project's folder, where a relative home is another
        {"ONRAMP_HOME": str(place / HOME)},
    )
    assert done.code == 0, done.errors


def test_a_retrain_job_killed_twice_trains_one_version_and_ends_once(
    walked: tuple[Done, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kill -9` in the middle: the next run takes the job over at once.

    Killed in its turn between registration and promotion, it leaves a version that the run after it
    judges, without a training, and closes the job.
    """
    assert walked
    home = open_home(place / HOME)
    jobs, before = Jobs(home), len(jobs_of_versions(home))
    first = start('onramp retrain churn --now --because "killed" --trials 3', place, SETTINGS)
    kill_once(first, lambda: any(job.state in WORKING for job in jobs.read("churn")))
    second = start("onramp retrain churn --trials 3", place, SETTINGS)
    kill_once(second, lambda: len(jobs_of_versions(home)) > before)
    done = shell("onramp retrain churn --trials 3 --json", place, SETTINGS)
    (report,) = json.loads(done.output)
    newest = jobs.read("churn")[0]
    assert (newest.id, newest.why, newest.attempts) == (report["job_id"], "killed", 3)
    assert newest.state == report["outcome"] != "failed", done.errors
    assert jobs_of_versions(home).count(newest.id) == 1
    assert json.loads(said(capsys, "retrain", "churn", "--json", place=place))[0]["outcome"] == (
        "nothing to do"
    )


def kill_once(process: subprocess.Popen[bytes], seen: Callable[[], bool]) -> None:
    """`kill -9` as soon as something is seen of what it does."""
    while not seen():
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def said(capsys: pytest.CaptureFixture[str], *words: str, place: Path) -> str:
    """What a command that ends with 0 prints, run in this process: its libraries are loaded."""
    assert run([*words, "--home", str(place / HOME)]) == 0
    return capsys.readouterr().out


def jobs_of_versions(home: Home) -> list[str]:
    """The job that trained each version, of those that a job trained; read beside the writer."""
    with closing(sqlite3.connect(f"{(home.root / 'mlflow.db').as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT value FROM model_version_tags WHERE key = 'job'").fetchall()
    return [row[0] for row in rows]
