from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from features.build import BuildReport
from features.labels import labels
from features.moments import moments, watermark
from lifecycle.home import Home
from lifecycle.label import Does, Inactive, Label, MostTaken
from lifecycle.task import Task
from tasks import find
from tests.features.canonical import (
    AS_OF,
    DAYS,
    START,
    Log,
    Row,
    alive,
    customer,
    days,
    event,
    fill,
)


def task(label: Label, *, horizon_days: int = 14, moments: tuple[int, ...] = DAYS) -> Task:
    return replace(
        find("churn"), label=label, horizon_days=horizon_days, moments=moments, costs=None
    )


def answer(label: Label, ahead: list[Row]) -> bool | str | None:
    """The label in plain Python."""
    active = ("login", "view_article", "view_video", "share_video", "buy")
    content = {"view_article": "article", "view_video": "video", "share_video": "video"}
    if isinstance(label, Inactive):
        return not any(e["event"] in active for e in ahead)
    if isinstance(label, Does):
        return any(e["event"] == label.event for e in ahead)
    taken = Counter(content[e["event"]] for e in ahead if e["event"] in content)
    return min(taken, key=lambda name: (-taken[name], name)) if taken else None


def expected(log: Log, asked: Task, as_of: datetime) -> dict[tuple[str, datetime], bool | str]:
    customers, events = log
    starts = {c["customer_id"]: c["signed_up_at"] for c in customers}
    found = {}
    for name, start in starts.items():
        for day in asked.moments:
            moment = start + days(day)
            end = moment + asked.horizon
            ahead = [
                e for e in events
                if e["customer_id"] == name and moment < e["occurred_at"] <= end
                and e["received_at"] <= as_of
            ]  # fmt: skip
            value = answer(asked.label, ahead)
            if end <= as_of and value is not None:
                found[name, moment] = value
    return found


@pytest.mark.parametrize("label", [Inactive(), Does("buy"), MostTaken()], ids=repr)
@pytest.mark.parametrize("back", [0, 30])
def test_labels_equal_plain_python(
    label: Label, back: int, built: tuple[Home, BuildReport], log: Log
) -> None:
    """Each ripe label is what the events of its horizon say, at the end and a month before."""
    home, _ = built
    asked, as_of = task(label), AS_OF - timedelta(days=back)
    frame = labels(home, asked, as_of)
    found = {
        (row.customer_id, row.event_timestamp.to_pydatetime()): row.label
        for row in frame.itertuples()
    }
    assert len(found) == len(frame)
    assert found == expected(log, asked, as_of)
    assert (frame["label_end"] == frame["event_timestamp"] + asked.horizon).all()
    assert frame["event_timestamp"].is_monotonic_increasing
    assert str(frame["event_timestamp"].dtype) == "datetime64[us, UTC]"


def test_labels_have_the_type_of_the_question(built: tuple[Home, BuildReport]) -> None:
    """Binary labels are booleans, multiclass ones are strings."""
    assert labels(built[0], task(Inactive()), AS_OF)["label"].dtype == bool
    values = labels(built[0], task(MostTaken()), AS_OF)["label"]
    assert set(map(type, values)) == {str}


def test_the_horizon_is_open_at_the_moment_and_closed_at_its_end(home: Home) -> None:
    """An event at the moment is the past; one at the horizon's last microsecond counts."""
    people = [customer(name, START) for name in ("at", "after", "end", "beyond")]
    tick = timedelta(microseconds=1)
    moment, end = START + days(1), START + days(15)
    happened = [
        event("at", "login", moment), event("after", "login", moment + tick),
        event("end", "login", end), event("beyond", "login", end + tick),
    ]  # fmt: skip
    fill(home, people, happened)
    frame = labels(home, task(Inactive(), moments=(1,)), START + days(20))
    silent = dict(zip(frame["customer_id"], frame["label"], strict=True))
    assert silent == {"at": True, "after": False, "end": False, "beyond": True}


def test_a_label_ripens_when_its_horizon_has_passed(home: Home) -> None:
    """A microsecond before the horizon's end there is no label, at the end there is."""
    end = START + days(15)
    fill(home, [customer("a", START)], [alive(end - timedelta(microseconds=1)), alive(end)])
    asked = task(Inactive(), moments=(1,))
    assert labels(home, asked, end - timedelta(microseconds=1)).empty
    assert len(labels(home, asked, end)) == 1


def test_a_tie_of_content_goes_to_the_name_that_sorts_first(home: Home) -> None:
    """Equal counts never depend on the order of rows."""
    log = [event("a", "view_video", START + days(2)), event("a", "view_article", START + days(3))]
    fill(home, [customer("a", START)], [*log, alive(START + days(20))])
    frame = labels(home, task(MostTaken(), moments=(1,)), START + days(20))
    assert frame["label"].tolist() == ["article"]


def test_an_event_not_yet_received_is_no_answer_yet(home: Home) -> None:
    """An event that arrives after as_of counts from then on."""
    late = event("a", "login", START + days(2), received_at=START + days(30))
    fill(home, [customer("a", START)], [late, alive(START + days(20))])
    asked = task(Inactive(), moments=(1,))
    assert labels(home, asked, START + days(20))["label"].tolist() == [True]
    assert labels(home, asked, START + days(30))["label"].tolist() == [False]


def test_silence_of_the_pipe_makes_no_label(home: Home) -> None:
    """With nothing received since the horizon's end nobody has left; the delivery then decides."""
    asked, now = task(Inactive(), moments=(1,)), START + days(18)
    people = [customer("gone", START), customer("there", START)]
    fill(home, people, [alive(START + days(14.9))])
    assert labels(home, asked, now).empty
    fill(home, [], [event("there", "login", START + days(14.95)), alive(START + days(17.9))])
    frame = labels(home, asked, now)
    assert dict(zip(frame["customer_id"], frame["label"], strict=True)) == {
        "gone": True, "there": False,
    }  # fmt: skip
    assert labels(home, asked, START + days(14.97)).empty


def test_silence_of_the_pipe_makes_no_moment(home: Home) -> None:
    """A moment after the last receipt is not due; an empty home has no watermark at all."""
    assert watermark(home, START) is None
    fill(home, [customer("a", START)], [alive(START + days(2))])
    asked, now = task(Inactive(), moments=(1, 3)), START + days(6)
    assert watermark(home, now) == START + days(2)
    assert moments(home, asked, now)["event_timestamp"].tolist() == [START + days(1)]
    fill(home, [], [alive(START + days(5)), alive(START + days(9))])
    assert watermark(home, now) == START + days(5)
    assert len(moments(home, asked, now)) == 2


def test_moments_are_those_that_are_due(built: tuple[Home, BuildReport], log: Log) -> None:
    """Sign-up plus each day of the task, for whoever is known by as_of."""
    as_of = START + days(40)
    frame = moments(built[0], task(Inactive()), as_of)
    known = {c["customer_id"]: c["signed_up_at"] for c in log[0] if c["received_at"] <= as_of}
    due = sorted((s + days(d), n) for n, s in known.items() for d in DAYS if s + days(d) <= as_of)
    assert list(zip(frame["event_timestamp"], frame["customer_id"], strict=True)) == due
    assert list(frame.columns) == ["customer_id", "event_timestamp", "signed_up_at"]
