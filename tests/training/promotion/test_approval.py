"""Where a task asks for a person, what the gate would promote waits for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from lifecycle.errors import DataError, NotReady, Refused, UnknownName
from lifecycle.home import Home
from lifecycle.jobs import Jobs
from lifecycle.ledger import Ledger
from lifecycle.registry import Registry
from lifecycle.version_files import FILES
from tests.training.promotion.world import FRAME, TASK, TODAY, agree, asked, decisions
from training.promotion.approval import approve_by, reject
from training.promotion.awaiting import awaiting
from training.promotion.judged import Today
from training.promotion.move import Decided
from training.promotion.promote import carded, promote_on
from training.promotion.report import PromotionReport

APPROVED = replace(TASK, approval="required")


def approved(home: Home, version: int | None = None, today: Today = TODAY) -> PromotionReport:
    said = Decided(decision="approve", actor="ann", why="asked sales")
    return approve_by(home, APPROVED, today, version=version, said=said)


def test_the_gates_yes_waits_for_a_person(world: Home) -> None:
    """Judged and recorded, but nobody moves; asked again, it waits on without a second row."""
    for changed_rows in (1, 0):
        before = len(decisions(world))
        report = promote_on(world, APPROVED, lambda: FRAME, version=2, actor="job 7")
        assert (report.decision, report.awaits, report.changed) == ("promote", True, False)
        assert len(decisions(world)) == before + changed_rows
    assert decisions(world)[-1] == ("await approval", "1", "2")
    assert agree(world) == (1, None, 2)
    assert Registry(world).version("churn", 2).tags["approval"] == "awaiting, ledger row 2"
    assert report.lines()[-1].startswith("  Next: `onramp approve churn --version 2`")


def test_a_refusal_does_not_wait(world: Home) -> None:
    """What the gate would not promote is nobody's question."""
    few = FRAME.iloc[-60:]
    report = promote_on(world, APPROVED, lambda: few, version=2, actor="job 7")
    assert (report.decision, report.awaits) == ("cannot judge", False)
    assert awaiting(world, "churn") == {}


def test_approved(world: Home) -> None:
    """It moves, with the findings it was judged by; the job that waited has ended."""
    asked(world)
    report = approved(world)
    assert (report.changed, report.version, report.previous) == (True, 2, 1)
    assert agree(world) == (2, 1, None)
    row = Ledger(world).read("churn", newest=1)[0]
    assert (row.actor, row.decision, row.why) == ("ann", "approve", "asked sales")
    assert row.evidence["asked_in_row"] == 2
    assert [finding["outcome"] for finding in row.evidence["findings"]] == ["passed"]
    assert [job.state for job in Jobs(world).read()] == ["promoted"]
    assert Registry(world).version("churn", 2).tags["approval"].startswith("approved by ann")
    again = approved(world, version=2)
    assert (again.changed, again.row) == (False, 3)


def test_rejected(world: Home) -> None:
    """The champion stays, the reason is kept, the job ends as refused, and nothing waits."""
    asked(world)
    report = reject(world, "churn", actor="ann", because="the offer ends")
    assert (report.version, report.champion, report.row) == (2, 1, 3)
    assert "the offer ends" in report.lines()[0]
    assert agree(world) == (1, None, 2)
    assert [job.state for job in Jobs(world).read()] == ["refused"]
    tag = Registry(world).version("churn", 2).tags["approval"]
    assert tag == "rejected by ann: the offer ends"
    with pytest.raises(NotReady, match=r"No version of churn awaits approval.*Nothing waits"):
        approved(world)


def test_a_deleted_version_can_be_rejected(world: Home) -> None:
    """Nobody can approve it, and its job would keep the task from every other."""
    asked(world)
    Registry(world).client.delete_model_version("churn", "2")
    with pytest.raises(UnknownName):
        approved(world)
    report = reject(world, "churn", actor="ann", because="deleted")
    assert report.notes == (
        "Version 2 of churn is not there any more: only the ledger tells of it.",
    )
    assert awaiting(world, "churn") == {}
    assert [job.state for job in Jobs(world).read()] == ["refused"]
    _, new = Jobs(world).request("churn", why="decay", by="ann", as_of=datetime.now(UTC))
    assert new


def test_a_rejected_version_is_not_asked_about_again_unnamed(world: Home) -> None:
    """The night's `onramp promote churn` leaves it alone; naming it asks once more."""
    asked(world, version=3)
    reject(world, "churn", actor="ann", because="the offer ends")
    with pytest.raises(Refused, match=r"newest version of churn was rejected.*--version 3"):
        promote_on(world, APPROVED, lambda: FRAME, actor="cron")
    assert promote_on(world, APPROVED, lambda: FRAME, version=3, actor="ann").awaits


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_a_tag_that_fails_is_a_note_and_is_written_the_next_time(
    world: Home, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """What was decided is done and said to be; the same command again changes only the tag."""

    def say() -> tuple[str, ...]:
        if word == "approve":
            return approved(world, version=2).notes
        return reject(world, "churn", version=2, actor="ann", because="no").notes

    def locked(*_: object) -> None:
        raise MlflowException("(sqlite3.OperationalError) database is locked")

    asked(world)
    with monkeypatch.context() as broken:
        broken.setattr(Registry, "tag", locked)
        (note,) = say()
    assert "The tag approval of version 2 could not be written" in note
    row = Ledger(world).read("churn", newest=1)[0]
    assert (row.decision, awaiting(world, "churn")) == (word, {})
    assert Registry(world).aliases("churn")["champion"] == (2 if word == "approve" else 1)
    assert say() == ()
    tag = Registry(world).version("churn", 2).tags["approval"]
    assert (
        tag == {"approve": "approved by ann, ledger row 3", "reject": "rejected by ann: no"}[word]
    )
    assert len(decisions(world)) == 3


def test_a_card_that_cannot_be_written_loses_no_report(world: Home) -> None:
    """Not even where MLflow does not know the version any more."""
    report = promote_on(world, TASK, lambda: FRAME, version=2, actor="ann")
    told = carded(world, TASK, replace(report, version=9))
    assert told.changed
    assert "The model card could not be written" in told.notes[-1]


@pytest.mark.parametrize("measurable", [True, False])
def test_a_verdict_beside_another_champion_is_not_acted_on(world: Home, measurable: bool) -> None:
    """Somebody else became champion since: judged again, and moved only if the gate says so."""
    asked(world)
    promote_on(world, TASK, lambda: FRAME, version=3, actor="ann")

    def frames() -> pd.DataFrame:
        if not measurable:
            raise ConnectionError("no rows today")
        return FRAME

    report = approved(world, today=Today(frames=frames))
    assert report.changed is measurable
    assert agree(world)[:2] == ((2, 3) if measurable else (3, 1))
    assert decisions(world)[-1] == ("approve" if measurable else "cannot judge", "3", "2")
    row = Ledger(world).read("churn", newest=1)[0]
    assert (row.actor, row.evidence["asked_in_row"], row.evidence["said"]) == (
        "ann", 2, "asked sales",
    )  # fmt: skip
    assert (row.why == "asked sales") is measurable
    assert row.evidence["measured"]["metrics"] or not measurable
    assert awaiting(world, "churn") == {}
    assert Jobs(world).read()[0].state == ("promoted" if measurable else "undecided")


def test_only_what_waits_can_be_approved_or_rejected(world: Home) -> None:
    """Another version is no question; the error says which is."""
    asked(world)
    for act in (
        lambda: approved(world, version=3),
        lambda: reject(world, "churn", version=3, actor="ann", because="no"),
    ):
        with pytest.raises(NotReady, match=r"Version 3 of churn does not.*Waiting: version 2"):
            act()
    assert list(awaiting(world, "churn")) == [2]


def test_a_version_damaged_while_it_waited_is_not_moved_to(world: Home) -> None:
    """Its files are verified once more: nothing moves, and it still waits."""
    asked(world)
    registry = Registry(world)
    folder = registry.folder(registry.version("churn", 2))
    (folder / FILES / "forest.txt").write_text("")
    with pytest.raises(DataError):
        approved(world)
    assert agree(world) == (1, None, 2)
    assert list(awaiting(world, "churn")) == [2]
