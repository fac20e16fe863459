"""Every end of a job is told once a channel, whoever is killed and whoever hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from lifecycle import notify, outbox
from lifecycle.channels import AnyChannel, Slack, Webhook
from lifecycle.home import Home, open_home
from lifecycle.job_states import DEADLINES
from lifecycle.jobs import Jobs
from lifecycle.notify import deliver, tell, try_out, undelivered, write_down
from lifecycle.outbox import Outbox
from tests.posted import Postbox, posted

SECRET = "k3y of the receiver"  # noqa: S105 - made up
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def box() -> Iterator[Postbox]:
    with posted() as made:
        yield made


def pager(url: str, **given: object) -> Webhook:
    return Webhook.model_validate(
        {"name": "pager", "kind": "webhook", "url": url, "secret": SECRET, **given}
    )


@pytest.fixture
def home(tmp_path: Path, box: Postbox) -> Home:
    return open_home(tmp_path / "home", channels=(pager(box.url),))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "FIRST_PAUSE_SECONDS", 0.0)


def ended(home: Home, how: str = "failed", jobs: Jobs | None = None) -> str:
    """A job that ends."""
    jobs = jobs or Jobs(home)
    job, _ = jobs.request("churn", why="decay", by="monitor", as_of=NOW, trigger="decay")
    mine = jobs.claim("churn", "ann")
    assert mine is not None
    assert jobs.advance(mine, "judging", version=7)
    if how == "awaiting approval":
        assert jobs.wait(mine, 7, {"words": "trained"})
    else:
        assert jobs.end(mine, how, {"words": f"{how}, for a reason"})  # type: ignore[arg-type]
    return job.id


def test_an_end_is_told_once(home: Home, box: Postbox) -> None:
    """However often somebody looks; the next end is another message."""
    job = ended(home)
    for _ in range(3):
        assert tell(home) == ()
    (got,) = box.got
    told = got.json
    assert (told["job"], told["outcome"], told["version"]) == (job, "failed", 7)
    assert (told["words"], told["trigger"]) == ("failed, for a reason", "decay")
    ended(home, "refused")
    tell(home)
    assert [got.json["outcome"] for got in box.got] == ["failed", "refused"]
    assert undelivered(home) == ()


def test_a_channel_is_told_of_what_it_asked_for(home: Home, box: Postbox) -> None:
    """Two channels, each with its own outcomes; what waits for a person and what became of it."""
    both: tuple[AnyChannel, ...] = (
        pager(box.url, on=("awaiting approval",)),
        Slack(name="team", kind="slack", url=SecretStr(box.url), on=("superseded",)),
    )
    home = replace(home, channels=both)
    ended(home, "awaiting approval")
    tell(home)
    Jobs(home).cancel("churn", by="ada", because="wrong data")
    tell(home)
    assert [got.json.get("outcome", got.json.get("text")) for got in box.got] == [
        "awaiting approval", "onramp: churn version 7: superseded",
    ]  # fmt: skip


def test_a_dead_letter_that_is_tried_again_and_dies_again_is_news(home: Home, box: Postbox) -> None:
    """A job may end as a dead letter twice; people hear of both."""
    jobs = Jobs(home)
    job, _ = jobs.request("churn", why="decay", by="monitor", as_of=NOW, trigger="decay")
    for _ in range(2):
        while jobs.named(job.id).state != "dead letter":
            mine = jobs.claim("churn", "ann")
            assert mine is not None
            jobs.failed(mine, "overdue", "it hangs")
        tell(home)
        jobs.retry("churn")
    assert [got.json["outcome"] for got in box.got] == ["dead letter"] * 2


def test_each_time_that_nobody_comes_is_news(
    home: Home, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same end of the same attempt, reached twice, is told twice."""
    monkeypatch.setitem(DEADLINES, "requested", timedelta(0))
    jobs = Jobs(home)
    jobs.request("churn", why="decay", by="monitor", as_of=NOW, trigger="decay")
    for _ in range(2):
        assert jobs.open("churn") is None
        tell(home)
        jobs.retry("churn")
    assert [got.json["outcome"] for got in box.got] == ["dead letter"] * 2
    assert len({got.headers["webhook-id"] for got in box.got}) == 2


def test_a_channel_that_is_gone_is_not_named_for_ever(home: Home, box: Postbox) -> None:
    """Who takes it out of the document wants nobody told by it; with it back, it is told."""
    ended(home)
    box.answers = [500]
    tell(home)
    assert undelivered(replace(home, channels=())) == ()
    assert len(undelivered(home)) == 1
    tell(home)
    assert len(box.got) == 2


def test_a_document_that_cannot_be_read_is_said_and_loses_nothing(home: Home, box: Postbox) -> None:
    """Whoever looks is told why; mended, it tells what ended meanwhile."""
    ended(home)
    unread = replace(home, channels=(), channels_problem="notify.toml is not TOML.")
    (problem,) = tell(unread)
    assert problem.endswith("notify.toml is not TOML.")
    tell(home)
    assert len(box.got) == 1


def test_what_ended_before_anybody_was_to_be_told_is_no_news(home: Home, box: Postbox) -> None:
    """Without a channel nothing is marked; with the first, the last days are told, no more."""
    ended(home, jobs=Jobs(home, clock=lambda: datetime.now(UTC) - timedelta(days=30)))
    recent = ended(home, "refused")
    assert tell(replace(home, channels=())) == ()
    tell(home)
    assert [got.json["job"] for got in box.got] == [recent]


def test_a_receiver_that_fails_is_tried_again_with_the_same_id(home: Home, box: Postbox) -> None:
    """What was not taken waits, is named, and is one message however often it is sent."""
    ended(home)
    box.answers = [500, 503]
    (problem,) = tell(home)
    assert "pager was not told yet: http://127.0.0.1" in problem
    assert problem.endswith("answered 500.")
    (waits,) = undelivered(home)
    assert (waits.channel, waits.state, waits.attempts) == ("pager", "waiting", 1)
    tell(home)
    assert tell(home) == ()
    assert len({got.headers["webhook-id"] for got in box.got}) == 1
    assert len(box.got) == 3
    assert undelivered(home) == ()


def test_the_next_attempt_is_later_and_later(
    home: Home, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks before that sends nothing; what is new does not wait behind it."""
    monkeypatch.setattr(notify, "FIRST_PAUSE_SECONDS", 600.0)
    ended(home)
    box.answers = [500]
    tell(home)
    assert tell(home) == ()
    assert len(box.got) == 1
    ended(home, "refused")
    tell(home)
    assert [got.json["outcome"] for got in box.got] == ["failed", "refused"]
    (waits,) = Outbox(home.platform).waiting("pager")
    assert 500 < waits.next_try_at - time.time() <= 600
    assert [notify.pause(replace(waits, attempts=n)) for n in (0, 1, 2, 3, 99)] == [
        600, 1200, 2400, 3600, 3600,
    ]  # fmt: skip


def test_after_many_attempts_in_many_days_it_is_given_up_and_named(
    home: Home, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no longer tried; it stays visible."""
    monkeypatch.setattr(outbox, "MOST_ATTEMPTS", 2)
    monkeypatch.setattr(outbox, "OLDEST_SECONDS", -1.0)
    ended(home)
    box.answers = [500, 500]
    tell(home)
    tell(home)
    tell(home)
    assert len(box.got) == 2
    (lost,) = undelivered(home)
    assert lost.words.startswith("pager was not told of job ")
    assert "(given up after 2 attempts)" in lost.words


@pytest.mark.parametrize("answer", [0, -1], ids=["silent", "trickling"])
def test_a_receiver_that_hangs_holds_nothing_up(
    home: Home, box: Postbox, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    """Left after our patience, whatever it does; the others are told, and jobs go on."""
    monkeypatch.setattr(notify, "patience", lambda channel: 0.5 if channel.name == "pager" else 90)
    with posted() as other:
        home = replace(
            home,
            channels=(
                *home.channels, Slack(name="team", kind="slack", url=SecretStr(other.url)),
            ),
        )  # fmt: skip
        ended(home)
        box.answers = [answer]
        began = time.monotonic()
        (problem,) = tell(home)
        assert time.monotonic() - began < 90
        assert problem == "pager was not told yet: it does not answer, and is left to itself."
        assert len(other.got) == 1
        assert ended(home, "refused")
        assert tell(home) == ()  # nor does a second one hang on it
        assert len(other.got) == 2
        assert len(box.got) == 1


def test_no_secret_is_stored(home: Home) -> None:
    """The database has what was said, and neither where to nor under which key."""
    gone = replace(home, channels=(pager("http://127.0.0.1:9/very-private-path"),))
    ended(gone)
    (problem,) = tell(gone)
    assert "ConnectError" in problem
    kept = b"".join(path.read_bytes() for path in home.root.glob("platform.db*"))
    assert b"for a reason" in kept
    assert b"very-private-path" not in kept
    assert SECRET.encode() not in kept


def test_a_test_message_is_sent_and_not_kept(home: Home, box: Postbox) -> None:
    """To each, at once, with what each answered."""
    box.answers = [200, 400]
    (good,) = try_out(home, "ada")
    (bad,) = try_out(home, "ada")
    assert (good.problem, bad.problem[-len("answered 400.") :]) == ("", "answered 400.")
    assert box.got[0].json["outcome"] == "test"
    assert "ada asked whether" in box.got[0].json["why"]
    assert undelivered(home) == ()


def test_an_outbox_of_before_channels_becomes_ours(tmp_path: Path) -> None:
    """Its messages are of the webhook of aliases, and stay where they stood."""
    home = open_home(tmp_path)
    with outbox.transaction(home.platform, outbox.TABLE) as db:
        for column in outbox.ADDED:
            db.execute(f"ALTER TABLE outbox DROP COLUMN {column.split()[0]}")
        db.execute(
            "INSERT INTO outbox (id, about, moved_to, payload, written_at, state)"
            " VALUES ('x', 'churn/champion', '2', '{}', 1.0, 'waiting')"
        )
    (kept,) = Outbox(home.platform).waiting()
    assert (kept.id, kept.channel, kept.next_try_at) == ("x", "", 0.0)
    assert Outbox(home.platform).waiting("pager") == ()


TELLER = """
import sys
from pathlib import Path
from lifecycle.channels import Webhook
from lifecycle.home import open_home
from lifecycle.notify import tell
channel = Webhook(name="pager", kind="webhook", url=sys.argv[2], secret=sys.argv[3])
tell(open_home(Path(sys.argv[1]), channels=(channel,)))
"""


def teller(home: Home, box: Postbox) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", TELLER, str(home.root), box.url, SECRET],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def killed_while_sending(home: Home, box: Postbox) -> None:
    box.answers = [0]
    sender = teller(home, box)
    assert box.arrived.wait(120)
    sender.kill()
    sender.wait()


def killed_before_a_word(home: Home, box: Postbox) -> None:
    """The job has ended, and its worker got no further."""
    assert box.got == []
    assert Jobs(home).read()[0].told == ""


def killed_before_the_job_knew(home: Home, box: Postbox) -> None:
    """Written down for the channel, and not yet marked on the job."""
    write_down(home)
    with outbox.opened(home.platform) as db:
        db.execute("UPDATE jobs SET told = ''")
    assert box.got == []


@pytest.mark.parametrize(
    "killed", [killed_while_sending, killed_before_a_word, killed_before_the_job_knew]
)
def test_what_a_killed_process_did_not_tell_the_next_tells(
    home: Home, box: Postbox, killed: Callable[[Home, Postbox], None]
) -> None:
    """One message: the same id each time it is sent, and no lock left behind."""
    ended(home)
    killed(home, box)
    assert tell(home) == ()
    assert len({got.headers["webhook-id"] for got in box.got}) == 1
    assert undelivered(home) == ()
    assert deliver(home) == ()


def test_of_two_that_tell_at_once_one_does(home: Home, box: Postbox) -> None:
    """No receiver gets a message twice because two schedulers run."""
    ended(home)
    tellers = [teller(home, box) for _ in range(2)]
    assert [one.wait(120) for one in tellers] == [0, 0]
    assert len(box.got) == 1
