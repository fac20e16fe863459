"""onramp.scheduler.plan: what is due, by a clock of the tests' own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onramp.scheduler.cron import Cron
from onramp.scheduler.plan import PAUSES, begun, due, ended, first, next_time, resumed
from onramp.scheduler.schedule import Run
from onramp.scheduler.state import Mark

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHTLY = Run(name="nightly", cron=Cron("15 2 * * *"), steps=(("features",), ("score", "--all")))
HOURLY = Run(name="hourly", cron=Cron("0 * * * *"), steps=(("ingest",),))


def played(run: Run, mark: Mark, now: datetime, *codes: int) -> Mark:
    """The mark after steps that ended with these codes, each at once."""
    for code in codes:
        mark = ended(run, begun(run, mark, now), now, code)
    return mark


def test_a_new_run_waits_for_its_time() -> None:
    """Nothing that would have been due before the schedule was there is made up for."""
    marks = {"nightly": first(NIGHTLY, NOON)}
    assert due([NIGHTLY], marks, NOON) is None
    assert next_time(NIGHTLY, marks["nightly"], NOON) == datetime(2026, 11, 24, 2, 15, tzinfo=UTC)
    assert due([NIGHTLY], marks, NOON + 15 * HOUR) == NIGHTLY


def test_what_was_missed_is_made_up_for_once() -> None:
    """A machine that slept for nine days wakes to one run and not to nine."""
    woken = NOON + 9 * DAY
    mark = first(NIGHTLY, NOON)
    assert due([NIGHTLY], {"nightly": mark}, woken) == NIGHTLY
    mark = played(NIGHTLY, mark, woken, 0, 0)
    assert due([NIGHTLY], {"nightly": mark}, woken) is None
    assert mark.succeeded_at == woken


def test_steps_follow_one_another_and_stop_at_a_failure() -> None:
    """As `&&` does; the run has failed, and its last success stands."""
    mark = begun(NIGHTLY, replace(first(NIGHTLY, NOON), succeeded_at=NOON), NOON + DAY)
    assert (mark.step, mark.began_at) == (0, NOON + DAY)
    on = ended(NIGHTLY, mark, NOON + DAY, 0)
    assert (on.step, due([NIGHTLY], {"nightly": on}, NOON + DAY)) == (1, NIGHTLY)
    failed = ended(NIGHTLY, mark, NOON + DAY, 3, "the data is broken")
    assert (failed.step, failed.exit_code, failed.said) == (None, 3, "the data is broken")
    assert failed.succeeded_at == NOON
    assert due([NIGHTLY], {"nightly": failed}, NOON + DAY) is None


@pytest.mark.parametrize("code", [0, 10, 11, 13])
def test_a_decision_is_no_failure(code: int) -> None:
    """The gate's no, its silence and a wait for a person end a run well."""
    assert played(HOURLY, first(HOURLY, NOON), NOON, code).succeeded_at == NOON


def test_a_busy_verb_is_tried_again_a_few_times() -> None:
    """After longer and longer pauses; then the run has failed and waits for its next time."""
    mark, now = first(HOURLY, NOON), NOON + HOUR
    for pause in PAUSES:
        mark = ended(HOURLY, begun(HOURLY, mark, now), now, 5)
        assert next_time(HOURLY, mark, now) == now + pause
        assert due([HOURLY], {"hourly": mark}, now) is None
        now += pause
    mark = played(HOURLY, mark, now, 5)
    assert (mark.step, mark.exit_code, mark.succeeded_at) == (None, 5, None)


def test_a_run_that_is_longer_than_its_interval_comes_to_its_end() -> None:
    """Times that pass meanwhile start nothing anew; one run follows."""
    long = replace(NIGHTLY, name="long", cron=Cron("0 * * * *"))
    mark = begun(long, first(long, NOON), NOON)
    mark = ended(long, mark, NOON + 3 * HOUR, 0)
    mark = begun(long, mark, NOON + 3 * HOUR)
    assert mark.step == 1
    mark = ended(long, mark, NOON + 6 * HOUR, 0)
    assert due([long], {"long": mark}, NOON + 6 * HOUR) == long


def test_no_other_run_comes_between_the_steps_of_one() -> None:
    """Even one that has waited for longer; but while it is held back, others work."""
    marks = {"nightly": first(NIGHTLY, NOON), "hourly": first(HOURLY, NOON - DAY)}
    now = datetime(2026, 11, 24, 2, 15, tzinfo=UTC)
    marks["nightly"] = played(NIGHTLY, marks["nightly"], now, 0)
    assert due([HOURLY, NIGHTLY], marks, now) == NIGHTLY
    marks["nightly"] = played(NIGHTLY, marks["nightly"], now, 5)
    assert due([HOURLY, NIGHTLY], marks, now) == HOURLY


def test_what_a_kill_cut_short_is_done_again_from_its_verb() -> None:
    """And not for ever: what was cut short too often has failed."""
    mark = begun(NIGHTLY, played(NIGHTLY, first(NIGHTLY, NOON), NOON, 0), NOON)
    later = NOON + HOUR
    (found,) = resumed([NIGHTLY], {"nightly": mark}, later).values()
    assert (found.step, due([NIGHTLY], {"nightly": found}, later)) == (1, NIGHTLY)
    for _ in PAUSES:
        mark = begun(NIGHTLY, resumed([NIGHTLY], {"nightly": mark}, later)["nightly"], later)
    (given_up,) = resumed([NIGHTLY], {"nightly": mark}, later).values()
    assert (given_up.step, given_up.exit_code) == (None, 1)
    assert "cut short" in given_up.said


def test_a_changed_schedule_keeps_what_is_known_of_its_runs() -> None:
    """A run that is new begins now; one with fewer steps begins at its first."""
    mark = replace(first(NIGHTLY, NOON), step=1, again=NOON)
    found = resumed([replace(NIGHTLY, steps=(("features",),)), HOURLY], {"nightly": mark}, NOON)
    assert set(found) == {"nightly", "hourly"}
    assert begun(replace(NIGHTLY, steps=(("features",),)), found["nightly"], NOON).step == 0


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    """A mark of the future waits no longer than from now to the next time."""
    mark = first(HOURLY, NOON + 30 * DAY)
    assert next_time(HOURLY, mark, NOON) == NOON + HOUR
    held_back = replace(mark, step=0, attempts=1, again=NOON + 30 * DAY)
    assert due([HOURLY], {"hourly": held_back}, NOON) == HOURLY


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=40))
def test_whenever_it_is_looked_at_each_run_is_done_once_a_look_at_most(minutes: list[int]) -> None:
    """However irregular the looks: one run where any time passed since, else none."""
    mark, now = first(HOURLY, NOON), NOON
    for step in minutes:
        before, now = now, now + timedelta(minutes=step)
        passed = now.replace(minute=0) > before
        runs = 0
        while due([HOURLY], {"hourly": mark}, now) is not None:
            mark = played(HOURLY, mark, now, 0)
            runs += 1
        assert runs == int(passed)
