"""The doctor: each inconsistency is really made, named, and mended where that needs no guess."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.home import Home, open_home
from lifecycle.integrity import entries
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.registry import Registry, Version
from tests.serving.forge import Recipe, forge
from tests.training.conftest import CHURN
from tests.training.promotion.damages import (
    artifact_flipped,
    artifacts_gone,
    both_damaged,
    challenger_of_nothing,
    champion_deleted,
    champion_is_challenger,
    champion_of_nothing,
    claimed_by_the_dead,
    copy_added_to,
    copy_damaged,
    in_home,
    in_mlflow,
    killed_in_a_move,
    moved_by_hand,
    nothing_left_of_a_version,
    previous_is_champion,
    registered_before,
    row_edited,
    tag_of_before,
    unfinished_files,
    waiting_for_nothing,
)
from training.promotion.doctor import files as files_check
from training.promotion.doctor.examine import doctor
from training.promotion.doctor.finding import DoctorReport
from training.promotion.judged import Today, gather
from training.promotion.move import Decided, move

LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@pytest.fixture(scope="module")
def sound(new_home: Callable[[str], Home]) -> Home:
    """Version 1 is previous, 2 champion, 3 challenger; all fetched, and the ledger tells of it."""
    home = new_home("doctor")
    registry = Registry(home)
    for seed in (1, 2, 3):
        registry.folder(forge(home, Recipe(task="churn", seed=seed)))
    for number in (1, 2):
        version = registry.version("churn", number)
        move(home, version, Decided(decision="promote", actor="ada", why="good enough"))
    registry.point("challenger", registry.version("churn", 3))
    return home


@pytest.fixture
def home(sound: Home, tmp_path: Path) -> Home:
    """The same elsewhere, artifacts included, to be damaged at will."""
    home = open_home(tmp_path / "home")
    shutil.copytree(sound.root, home.root)
    with closing(sqlite3.connect(home.root / "mlflow.db")) as db, db:
        for table, column in LOCATIONS:
            swap = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            db.execute(swap, (str(sound.root), str(home.root)))
    return home


def examined(home: Home, *, mend: bool = False) -> DoctorReport:
    return doctor(home, ("churn", "preference"), mend=mend, actor="tester")


Made = tuple[Callable[[Home], None], str, str]
SAFE: tuple[tuple[Made, ...], ...] = (
    (
        (claimed_by_the_dead, "dead worker", "is claimed by a worker that is dead"),
        (unfinished_files, "unfinished files", "3 unfinished files of killed processes"),
        (copy_added_to, "damaged copy", "The local copy of version 3 of churn is damaged"),
        (copy_damaged, "damaged copy", "The local copy of version 2 of churn is damaged"),
        (artifacts_gone, "lost files", "files of version 1 of churn are damaged or gone"),
        (challenger_of_nothing, "alias to nothing", "challenger of churn names version 9"),
    ),
    (
        (artifact_flipped, "lost files", "files of version 2 of churn are damaged or gone"),
        (champion_is_challenger, "challenger is champion", "Version 2 of churn is champion and"),
        (waiting_for_nothing, "waiting version", "Version 3 of churn awaits approval and is not"),
        (tag_of_before, "approval tag", "The tag approval of version 1 of churn is not what"),
    ),
    ((killed_in_a_move, "interrupted move", "champion of churn to version 3 was begun"),),
)


@pytest.mark.parametrize("damages", SAFE)
def test_what_is_safe_to_mend_is_named_mended_and_written_down(
    home: Home, damages: tuple[Made, ...]
) -> None:
    """Looking changes nothing; mending leaves nothing, and tells the ledger once of each."""
    for damage, _, _ in damages:
        damage(home)
    rows, aliases = Ledger(home).read(), Registry(home).aliases("churn")
    found = examined(home).left
    assert [finding.check for finding in found] == [check for _, check, _ in damages]
    assert [words in one.what for one, (_, _, words) in zip(found, damages, strict=True)] == [
        True for _ in damages
    ]
    assert (Ledger(home).read(), Registry(home).aliases("churn")) == (rows, aliases)
    report = examined(home, mend=True)
    assert (report.mended, report.left) == (found, ())
    mends = [row for row in reversed(Ledger(home).read()) if row.decision == "mend"]
    assert [(row.actor, row.evidence["check"]) for row in mends] == [
        ("tester", finding.check) for finding in found
    ]
    assert all(one.what in row.why for row, one in zip(mends, found, strict=True))
    told = len(Ledger(home).read())
    again = examined(home, mend=True)
    assert (again.mended, again.left, len(Ledger(home).read())) == ((), (), told)
    assert again.lines()[-1] == "Nothing is wrong."


NAMED: tuple[tuple[tuple[Callable[[Home], None], str], ...], ...] = (
    (
        (row_edited, "row 1: its values are not those its hash was made of"),
        (both_damaged, "The local copy is damaged, too: artifacts/version/model.json was changed"),
        (moved_by_hand, "In MLflow version 3 has the alias; row 2 of the ledger made version 2"),
    ),
    (
        (nothing_left_of_a_version, "There is no local copy that could be verified."),
        (registered_before, "It was registered before files were fingerprinted."),
        (previous_is_champion, "A rollback would lead to where it started."),
    ),
    ((champion_deleted, "In MLflow no version has the alias; row 2 of the ledger made version"),),
    ((champion_of_nothing, "Versions there: 1, 3."),),
)


@pytest.mark.parametrize("damages", NAMED)
def test_what_would_need_a_guess_is_only_named(
    home: Home, damages: tuple[tuple[Callable[[Home], None], str], ...]
) -> None:
    """With --mend the findings stay, say what to do, and nothing is touched."""
    for damage, _ in damages:
        damage(home)
    rows, aliases = Ledger(home).read(), Registry(home).aliases("churn")
    report = examined(home, mend=True)
    assert report.mended == ()
    assert len(report.left) == len(damages)
    assert sorted(words for _, words in damages if any(words in f.found for f in report.left)) == (
        sorted(words for _, words in damages)
    ), report.lines()
    assert all(finding.mend == "" and finding.do for finding in report.left)
    if champion_deleted in [damage for damage, _ in damages]:
        assert "onramp rollback churn" in report.left[0].do
    assert (Ledger(home).read(), Registry(home).aliases("churn")) == (rows, aliases)


def test_the_ledger_may_be_what_cannot_be_read(home: Home) -> None:
    """Each check that it kept from being made is named: none of them is a pass."""
    home.platform.write_bytes(b"no database" * 1000)
    left = examined(home, mend=True).left
    assert {finding.check for finding in left} == {
        "ledger chain", "jobs", "moves", "aliases", "ledger and registry", "waiting versions",
        "approval tags",
    }  # fmt: skip
    assert all("platform.db" in f.found or "not a database" in f.found for f in left)


def test_each_file_of_a_version_is_given_back(home: Home) -> None:
    """Any file that MLflow lost or changed comes back byte by byte from the verified copy."""
    registry = Registry(home)
    version, original = registry.version("churn", 1), in_mlflow(home, 1)
    files = entries(in_home(home, 1))
    assert len(files) > 5
    for name, copy in files.items():
        content = copy.read_bytes()
        assert (original / name).read_bytes() == content
        (original / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert f"{name} was changed" in files_check.in_mlflow(registry, version)
        registry.restore(version)
        assert (original / name).read_bytes() == content


def test_a_lost_champion_is_not_said_to_be_replaced_by_training() -> None:
    """Beside a champion that cannot be loaded the gate cannot judge: back first, promote then."""
    lost = Version(task="churn", number=2, run_id="", aliases=("champion",))
    assert "run `onramp rollback churn`" in files_check.instead(lost)
    assert "train" not in files_check.instead(lost)


def test_a_mend_that_did_not_help_is_not_told_as_one(home: Home) -> None:
    """Where the cure fails the finding is left, and the ledger says nothing of it."""
    artifacts_gone(home)
    original = in_mlflow(home, 1)
    original.write_text("a file stands where the folder was")
    report = examined(home, mend=True)
    assert report.mended == ()
    assert [(finding.check, finding.mend != "") for finding in report.left] == [
        ("lost files", True)
    ]
    assert "mend" not in {row.decision for row in Ledger(home).read()}


def test_an_interrupted_move_ends_as_its_champion_says(home: Home) -> None:
    """Finished where the alias had moved: its row is written, and nobody is challenger."""
    killed_in_a_move(home)
    examined(home, mend=True)
    assert Registry(home).aliases("churn") == {"champion": 3, "previous": 2}
    assert [row.decision for row in Ledger(home).read(newest=2)] == ["mend", "promote"]


def test_a_job_that_was_given_back_can_be_claimed(home: Home) -> None:
    """Its next worker needs no patience; a living worker's job is left alone."""
    claimed_by_the_dead(home)
    examined(home, mend=True)
    (job,) = Jobs(home).read("churn")
    assert (job.state, job.worker) == ("requested", None)
    from lifecycle.worker import me  # noqa: PLC0415

    Jobs(home).claim("churn", me())
    assert examined(home, mend=True).left == ()
    assert Jobs(home).read("churn")[0].worker == me()


def test_what_is_being_written_is_left_alone(home: Home) -> None:
    """An unfinished file of a moment ago belongs to somebody."""
    path = home.root / "predictions/churn/now.unfinished"
    path.parent.mkdir(parents=True)
    path.write_text("half")
    assert examined(home, mend=True).left == ()
    assert path.exists()


def test_a_registry_that_cannot_be_read_is_a_finding(home: Home) -> None:
    """Said at once, where MLflow would try for an hour; and no version counts as examined."""
    (home.root / "mlflow.db").write_bytes(b"no database" * 1000)
    report = examined(home, mend=True)
    assert [finding.check for finding in report.left] == ["MLflow's database"]
    assert (report.tasks, report.versions) == ((), 0)


def test_a_version_without_fingerprints_is_not_judged(home: Home) -> None:
    """What nothing can prove is no promotion, and the reason is said; its fellow gets further."""
    registered_before(home)
    registry = Registry(home)
    found = {
        number: gather(
            registry, CHURN, Today(frames=pd.DataFrame), registry.version("churn", number), None
        ).problem
        for number in (1, 2)
    }
    assert "Version 2 of churn carries no fingerprints" in found[2]
    assert "fingerprints" not in found[1]
