"""deploy/scheduling and deploy/airflow: the shipped schedule by other means, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.errors import NO_FAILURE, Busy
from lifecycle.home import open_home
from lifecycle.settings import PREFIX
from onramp.scheduler.cron import Cron
from onramp.scheduler.schedule import Run, read_schedule, step_of
from tests.deploy.serving_files import ROOT, program

FOLDER = ROOT / "deploy" / "scheduling"
UNITS = FOLDER / "systemd"
SHARED = UNITS / "onramp-.service.d" / "run.conf"
DAGS = ROOT / "deploy" / "airflow" / "onramp_dags.py"
DROP = Path("/srv/onramp/drop")
EXPOSED = 2.0  # systemd's own scale: 10 is a process without any bound
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAMES = {"nightly": "nightly", "look": "weekly look", "retrain": "retrain"}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    home = open_home(tmp_path_factory.mktemp("none") / "home")
    return {run.name: run for run in read_schedule(home, None, DROP)}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that is on this machine."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/onramp/bin/onramp", sys.executable))
    return folder


def analysed(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What systemd says; it finds our units, and the file they share, before its own."""
    return subprocess.run(
        [program("systemd-analyze", "systemd"), *words], capture_output=True, text=True,
        check=False, timeout=300, env={"SYSTEMD_UNIT_PATH": f"{units}:"},
    )  # fmt: skip


def test_the_crontab_is_the_shipped_schedule(shipped: dict[str, Run]) -> None:
    """The same verbs at the same times, joined by `&&`."""
    text = (FOLDER / "crontab").read_text("utf-8")
    lines = re.findall(r"^((?:[\d*]+ +){5})onramp +(onramp .*)$", text, re.MULTILINE)
    found = [(at.split(), line.replace("onramp ", "", 1).split(" && onramp "))
             for at, line in lines]  # fmt: skip
    expected = [
        (run.cron.text.split(), [" ".join(step) for step in run.steps]) for run in shipped.values()
    ]
    assert found == expected
    assert re.search(rf"^{PREFIX}HOME=", text, re.MULTILINE)


@pytest.mark.parametrize("unit", sorted(file.name for file in UNITS.iterdir() if file.is_file()))
def test_systemd_takes_the_units(units: Path, unit: str) -> None:
    """Every directive is known, every value can be read; a timer brings its service along."""
    done = analysed(units, "verify", "--man=no", str(units / unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_notices_a_bad_unit(units: Path) -> None:
    """The check above reads the shared file, too."""
    shared = units / SHARED.parent.name / SHARED.name
    shared.write_text(shared.read_text().replace("PrivateTmp=true", "PrivateTmp=perhaps"))
    done = analysed(units, "verify", "--man=no", str(units / "onramp-look.service"))
    assert "perhaps" in done.stderr


@pytest.mark.parametrize("unit", sorted(file.name for file in UNITS.glob("*.service")))
def test_a_unit_may_do_little(units: Path, unit: str) -> None:
    """By systemd's own count of what a service could do to its machine."""
    done = analysed(units, "security", "--offline=true", f"--threshold={EXPOSED * 10:.0f}",
                    "--no-pager", str(units / unit))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("unit", "name"), NAMES.items())
def test_a_timer_is_a_run_of_the_shipped_schedule(
    units: Path, shipped: dict[str, Run], unit: str, name: str
) -> None:
    """The same verbs, and due at the same next time."""
    started = (UNITS / f"onramp-{unit}.service").read_text("utf-8")
    verbs = re.findall(r"^ExecStart=/opt/onramp/bin/onramp (.*)$", started, re.MULTILINE)
    assert verbs == [" ".join(step) for step in shipped[name].steps]
    (calendar,) = re.findall(
        r"^OnCalendar=(.*)$", (UNITS / f"onramp-{unit}.timer").read_text("utf-8"), re.MULTILINE
    )
    done = analysed(units, "calendar", f"--base-time={NOON:%Y-%m-%d %H:%M:%S} UTC", calendar)
    due = f"{shipped[name].cron.after(NOON):%a %Y-%m-%d %H:%M:%S} UTC"
    assert due in done.stdout, done.stdout + done.stderr


def test_exit_codes_mean_the_same_everywhere(shipped: dict[str, Run]) -> None:
    """10, 11 and 13 are outcomes; 5 is tried again; every other failure is not."""
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", SHARED.read_text("utf-8"), re.MULTILINE)
    assert {0, *map(int, codes.split())} == NO_FAILURE
    for unit in NAMES:
        text = (UNITS / f"onramp-{unit}.service").read_text("utf-8")
        (kept,) = re.findall(r"^RestartPreventExitStatus=(.*)$", text, re.MULTILINE)
        assert {0, 5, *NO_FAILURE, *map(int, kept.split())} == {0, 1, 2, 3, 4, 5, 10, 11, 12, 13}
    dags = DAGS.read_text("utf-8")
    assert f"\nOUTCOMES = {tuple(sorted(NO_FAILURE - {0}))}" in dags
    assert f"\nBUSY = {Busy.exit_code} " in dags
    compile(dags, str(DAGS), "exec")
    assert len(shipped) == len(NAMES)


def test_the_scheduler_is_started_with_words_that_it_takes() -> None:
    """Its own, and the folder that the others take."""
    text = (UNITS / "onramp-scheduler.service").read_text("utf-8")
    (words,) = re.findall(r"^ExecStart=\S+/onramp scheduler (.*)$", text, re.MULTILINE)
    from onramp.verbs.scheduler import command  # noqa: PLC0415  a verb

    taken = command.make_context("scheduler", words.split()).params
    assert (taken["source"], taken["port"]) == (DROP, 9108)
    assert step_of("x", "ingest", taken["source"]) == ("ingest", "--from", str(DROP))
    assert Cron("@daily").text == "@daily"
