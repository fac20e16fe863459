"""The benchmark of triage: what it plants is what it says, and its shares are counted right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.triage import key, work
from benchmarks.triage_look import opened
from benchmarks.triage_model import learn, make, promoted
from benchmarks.triage_report import auc, rightly, write
from benchmarks.triage_world import (
    BREAKS,
    FEATURES,
    START,
    WEEK,
    Truth,
    World,
    planted,
    together,
)
from benchmarks.triage_year import POLICIES, wanted
from lifecycle.metrics import measure
from lifecycle.row_keys import row_keys
from lifecycle.triggers import Due
from monitoring.triage import Finding, Outcome, Verdict
from training.newest import Window

ROWS = 1_200
WORLD = World(seed=3, rows=ROWS)
INPUTS = list(FEATURES)


def changed(**more: object) -> World:
    return replace(WORLD, truth=Truth(**more))


def test_a_week_is_the_same_whenever_asked_for() -> None:
    """Weeks are drawn by seed and number, and two of them share nobody."""
    pd.testing.assert_frame_equal(WORLD.week(4).frame, WORLD.week(4).frame)
    assert not set(WORLD.week(4).frame["customer_id"]) & set(WORLD.week(5).frame["customer_id"])


def test_concept_drift_leaves_inputs_as_they_were() -> None:
    """What inputs mean changes, so that the old model is worse; not one input does."""
    before, after = WORLD.week(4), changed(concept=4).week(4)
    pd.testing.assert_frame_equal(before.frame[INPUTS], after.frame[INPUTS])
    model = learn(before.matrix, before.labels)
    skill = [measure("binary", one.labels, model(one.matrix))["roc_auc"] for one in (before, after)]
    assert skill[0] > skill[1] + 0.1


def test_covariate_shift_leaves_the_relation() -> None:
    """Other people come, and the old model is as good with them."""
    before, after = WORLD.week(4), changed(covariate=4).week(4)
    assert after.frame["breadth"].mean() - before.frame["breadth"].mean() > 0.4
    model = learn(before.matrix, before.labels)
    skill = [measure("binary", one.labels, model(one.matrix))["roc_auc"] for one in (before, after)]
    assert skill[1] > skill[0] - 0.04


def test_prior_shift_leaves_what_those_who_leave_are_like() -> None:
    """More leave; within those who leave and those who stay, inputs are as they were."""
    before, after = WORLD.week(4), changed(prior=4).week(4)
    assert after.labels.mean() - before.labels.mean() > 0.1
    for side in (0, 1):
        means = [one.matrix[one.labels == side].mean(axis=0) for one in (before, after)]
        assert np.abs(means[0] - means[1]).max() < 0.35


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_pipe_breaks_what_was_logged(how: str) -> None:
    """Only while it is broken, in one column, and outcomes are those of the true values."""
    world = changed(broken=4, until=5, how=how)
    sound, broken = WORLD.week(4).frame, world.week(4).frame
    differ = [name for name in INPUTS if not sound[name].equals(broken[name])]
    assert len(differ) == 1
    assert sound["label"].equals(broken["label"])
    pd.testing.assert_frame_equal(WORLD.week(5).frame, world.week(5).frame)


def test_every_plant_plants() -> None:
    """Each name of a plant changes the week it is planted in, and none before."""
    for plant in ("prior shift", "covariate shift", "concept drift", "broken pipe"):
        world = replace(WORLD, truth=planted(plant, 4, 0))
        assert not world.week(4).frame.equals(WORLD.week(4).frame)
        assert world.week(3).frame.equals(WORLD.week(3).frame)
    assert planted("nothing", 4, 0) == Truth()


def test_a_retrain_learns_the_changed_world_and_the_gate_takes_it() -> None:
    """Two weeks after the change: a shorter window, rows of its own, promoted over the old one."""
    world = changed(concept=20)
    weeks = [world.week(number) for number in range(22)]
    old = make(together(weeks[:18]), 1, START + 18 * WEEK, fresh=False)
    new = make(together(weeks), 2, START + 26 * WEEK, fresh=True, regained=0.05)
    assert new.window.days > 0
    assert not np.isin(row_keys(new.test.frame), new.seen).any()
    assert promoted(new, old)
    assert not promoted(replace(old, number=3, test=new.test), old)


def test_onramp_retrains_when_told_and_once_more() -> None:
    """At a verdict, and when there is twice as much of the new world; not on broken data."""
    made = Due(trigger="decay", why="It decayed.")
    job = replace(opened(made, START), state="promoted", version=2)
    champion = SimpleNamespace(number=2, as_of=START, window=Window(days=14))
    served: Any = SimpleNamespace(champion=champion, jobs=[job])

    def asked(weeks: int, rule: str, outcome: Outcome) -> str:
        found = wanted(
            served,
            Verdict(outcome=outcome, findings=(Finding(rule=rule, outcome=outcome, words="So."),)),
            START + weeks * WEEK,
        )
        return found.trigger if found else ""

    assert asked(1, "decay", "retrain") == "decay"
    assert asked(1, "base rate", "retrain") == "drift"
    assert [asked(weeks, "nothing", "ignore") for weeks in (3, 4)] == ["", "labels"]
    assert not asked(4, "impossible values", "broken data")


def lines() -> list[dict]:
    """As few lines as have one of everything."""
    aucs = [0.8] * 52
    years = [
        {"what": "year", "policy": policy, "seed": 0, "auc": aucs, "verdicts": [],
         "retrains": [(36, "promoted, 14 days")] if policy == "Onramp" else [],
         "estimates": [0.79] * 52 if policy == "Onramp" else []}
        for policy in POLICIES
    ]  # fmt: skip
    years[-1]["verdicts"] = [(1, "nothing", "ignore"), (36, "decay", "retrain")]
    return [
        *years,
        {"what": "quiet", "seed": 0, "verdicts": [("nothing", "ignore"), ("decay", "retrain")]},
        power("concept drift", ("one bad window", "watch"), ("decay", "retrain")),
        power("concept drift", ("decay", "retrain"), ("cooling down", "watch")),
        power("concept drift", ("nothing", "ignore"), ("nothing", "ignore")),
        power("broken pipe", ("impossible values", "broken data"), ("decay", "retrain")),
    ]


def power(plant: str, *verdicts: tuple[str, str]) -> dict:
    return {"what": "power", "plant": plant, "seed": 0, "verdicts": [*verdicts]}


def test_rightly_named() -> None:
    """In the first or second window, and never beside another name."""
    told = [rightly(line) for line in lines() if line["what"] == "power"]
    assert told == [2, 1, 0, 0]


def test_the_report_says_what_was_reached(tmp_path: Path) -> None:
    """Targets, tables and picture from the lines; what was not measured is said."""
    write(lines(), tmp_path, lambda _: [0.9, 0.8])
    text = (tmp_path / "triage.md").read_text()
    assert (
        "- **Measured on too few to say**: at most 1 false retrain in 200 quiet windows: 1 in 2."
        in text
    )
    assert (
        "- **Measured on too few to say**: concept drift named rightly within two windows in 95% of"
        in text
    )
    assert "67% of 3." in text
    assert "| Onramp | 1.0 | 0.0 | 0.8000 | 0.8000 | 0.8000 | 0.0 |" in text
    assert "| *the truth itself* | | | 0.8500 | | | |" in text
    assert "was off by 0.010 on average until" in text
    assert "| 36 | *retrain* | decay | promoted, 14 days |" in text
    assert (tmp_path / "triage.svg").stat().st_size > 1_000
    write([], tmp_path)
    assert (tmp_path / "triage.md").read_text().count("Not measured.") == 3


def test_keys_tell_what_was_measured() -> None:
    """A line's key is that of the work that made it, so that nothing is measured twice."""
    wanted = dict(work(30, 2, 1))
    assert len(wanted) == len(POLICIES) + 2 + 8
    quiet = {"what": "quiet", "seed": 1, "verdicts": [("nothing", "ignore")] * 5}
    assert key(json.loads(json.dumps(quiet))) in wanted
    assert key(power("prior shift")) in wanted
    assert key(lines()[0]) in wanted
    assert auc(lines()[0]) == pytest.approx(0.8)
