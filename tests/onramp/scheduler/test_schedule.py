"""onramp.scheduler.schedule: the file is read whole and checked before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.errors import UsageError
from lifecycle.home import Home, open_home
from onramp.scheduler.schedule import SHIPPED, read_schedule

RECORDED = ("ingest", "features", "score", "monitor", "retrain")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def written(home: Home, text: str) -> Home:
    home.root.mkdir()
    home.schedule_file.write_text(text)
    return home


def test_the_shipped_schedule_calls_every_verb_that_is_recorded(home: Home, tmp_path: Path) -> None:
    """Ingest from the folder, features, score, monitor, retrain; without a folder no ingest."""
    runs = read_schedule(home, None, tmp_path)
    called = [step[0] for run in runs for step in run.steps]
    assert called == list(RECORDED)
    assert runs[0].steps[0] == ("ingest", "--from", str(tmp_path))
    without = [step[0] for run in read_schedule(home, None, None) for step in run.steps]
    assert without == list(RECORDED[1:])
    assert SHIPPED.name == home.schedule_file.name


def test_the_homes_own_schedule_comes_first_and_a_named_one_before_it(
    home: Home, tmp_path: Path
) -> None:
    """With its own names, times and limits."""
    written(home, '[look]\nat = "@daily"\nverbs = ["monitor churn"]\nlimit = "90m"')
    (run,) = read_schedule(home, None, None)
    assert (run.name, run.steps, run.limit_seconds) == ("look", (("monitor", "churn"),), 5400.0)
    named = tmp_path / "other.toml"
    named.write_text('[score]\nat = "0 * * * *"\nverbs = ["score --all"]')
    assert [run.name for run in read_schedule(home, named, None)] == ["score"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nat = "* * * *"\nverbs = ["features"]', "4 fields"),
        ('[a]\nat = "@daily"\nverbs = ["feature"]', "no verb of `onramp`"),
        ('[a]\nat = "@daily"\nverbs = ["score --everything"]', "No such option '--everything'"),
        ('[a]\nat = "@daily"\nverbs = ["features shwo"]', "shwo"),
        ('[a]\nat = "@daily"\nverbs = ["serve"]', "never ends"),
        ('[a]\nat = "@daily"\nverbs = ["ingest --follow --from x"]', "never ends"),
        ('[a]\nat = "@daily"\nverbs = ["score \'"]', "cannot be read"),
        ('[a]\nat = "@daily"\nverbs = "features"', "a list of texts"),
        ('[a]\nat = "@daily"\nverbs = ["features"]\nlimit = "long"', "'long' is not a time"),
        ('[a]\nat = "@daily"\nverbs = ["features"]\nretries = 3', "nothing else"),
        ('at = "@daily"', "nothing else"),
        ('[a]\nat = "@daily"\nverbs = ["ingest"]', "nothing to do"),
        ("[a", "No schedule can be read"),
        ("", "nothing to do"),
    ],
)
def test_what_could_only_fail_at_night_fails_at_the_start(home: Home, text: str, said: str) -> None:
    """A slip in any line is named with its table."""
    written(home, text)
    with pytest.raises(UsageError, match=said):
        read_schedule(home, None, None)


def test_a_file_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    """A mistyped --schedule is no reason to take another."""
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        read_schedule(home, tmp_path / "nowhere.toml", None)


def test_the_scheduler_stays_small() -> None:
    """What is always there loads no library of models, frames or registries; the verbs do."""
    script = (
        "import sys, onramp.scheduler.run, onramp.local_pages; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )
    heavy = {"mlflow", "pandas", "numpy", "feast", "evidently", "sklearn", "optuna", "matplotlib"}
    assert "onramp" in done.stdout.split()
    assert heavy & set(done.stdout.split()) == set()
