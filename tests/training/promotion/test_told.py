"""Who listens to a change of champion, and how long one who hangs holds it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lifecycle import webhook
from lifecycle.home import Home
from lifecycle.ledger import Ledger
from lifecycle.lock import held
from lifecycle.outbox import Outbox
from lifecycle.receiver import Receiver
from tests.receiving import Inbox, receiving
from tests.training.promotion.world import FRAME, TASK, TODAY, asked, took_over
from training.promotion.approval import approve_by
from training.promotion.move import Decided, doing, lock
from training.promotion.promote import promote_on
from training.promotion.rollback import RollbackReport, rollback

SECRET = "k3y of the tests' receiver"  # noqa: S105 - made up


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving(SECRET) as made:
        yield made


@pytest.fixture
def home(world: Home, inbox: Inbox) -> Home:
    """The world, with somebody who listens."""
    return replace(world, webhook=Receiver(url=inbox.url, secret=SECRET))


def promoted(home: Home) -> bool:
    return promote_on(home, TASK, lambda: FRAME, version=2, actor="ann").changed


def approved(home: Home) -> bool:
    asked(home)
    said = Decided(decision="approve", actor="ann", why="fine")
    task = replace(TASK, approval="required")
    return approve_by(home, task, TODAY, version=2, said=said).changed


def rolled_back(home: Home) -> bool:
    took_over(home)
    return rollback(home, "churn", actor="ann").changed


@pytest.mark.parametrize(
    ("act", "champion", "previous"),
    [(promoted, "2", "1"), (approved, "2", "1"), (rolled_back, "1", "2")],
)
def test_every_alias_that_moves_is_told_in_its_order(
    home: Home, inbox: Inbox, act: Callable[[Home], bool], champion: str, previous: str
) -> None:
    """`previous`, `champion`, and that nobody is challenger any more: signed, and each once."""
    assert act(home)
    moved = [("created", "previous", previous), ("created", "champion", champion)]
    gone = [] if act is rolled_back else [("deleted", "challenger", None)]
    assert [got.moved for got in inbox.got] == [*moved, *gone]
    assert all(got.genuine for got in inbox.got)
    assert Outbox(home.platform).waiting() == ()


def test_a_challenger_that_was_told_of_is_taken_back(home: Home, inbox: Inbox) -> None:
    """After a training has said who is challenger, its promotion says that nobody is."""
    webhook.alias_moved(home, "churn", "challenger", 2)
    assert promoted(home)
    assert [got.moved for got in inbox.got] == [
        ("created", "challenger", "2"), ("created", "previous", "1"),
        ("created", "champion", "2"), ("deleted", "challenger", None),
    ]  # fmt: skip


def test_a_receiver_that_hangs_holds_up_no_rollback(
    home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is first asked the row is written and the lock free; it is asked three times."""
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.5)
    took_over(home)
    inbox.answers = [0] * 9
    reports: list[RollbackReport] = []
    thread = threading.Thread(
        target=lambda: reports.append(rollback(home, "churn", actor="ann")), daemon=True
    )
    thread.start()
    assert inbox.arrived.wait(60)
    assert Ledger(home).read("churn", newest=1)[0].decision == "roll back"
    with held(lock(home, "churn"), doing("churn")):
        pass
    thread.join(60)
    (report,) = reports
    assert "The webhook is not delivered yet" in report.notes[-1]
    assert len(inbox.wait(len(webhook.PAUSES))) == len(webhook.PAUSES)
    assert len({got.id for got in inbox.got}) == 1
    assert [one.about for one in Outbox(home.platform).waiting()] == [
        "churn/previous", "churn/champion",
    ]  # fmt: skip
