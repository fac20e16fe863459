"""The steps that a person takes: what is refused, what is written, and what a status tells."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lifecycle.errors import DataError, NotReady, Refused, UsageError
from lifecycle.ledger import Entry, Ledger
from lifecycle.prediction import Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from lifecycle.rollouts import Rollouts
from onramp.cli import run
from serving.rollout.report import report
from serving.rollout.shadow import receipt
from serving.rollout.steps import begin, challenger, stop
from serving.seat import Seat
from serving.watch import Watch
from tests.serving.conftest import Forged
from tests.serving.rollout.toy import nowhere


def test_a_rollout_from_the_command_line(
    forged: Forged, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shadow, canary, stop: each is seen by a server's watch, and `history` names the versions."""
    home, seat = forged.home, Seat("churn")
    watch = Watch(Registry(home), (seat,), lambda _: nowhere)  # type: ignore[arg-type, return-value]
    watch.look_if_changed()
    words = ["--home", str(home.root), "--actor", "ann"]
    assert run(["rollout", "churn", "--shadow", "--version", "2", *words]) == 0
    watch.look_if_changed()
    assert seat.state()["rollout"]["stage"] == "shadow"
    assert run(["rollout", "churn", "--canary", "10", *words]) == 0
    watch.look_if_changed()
    assert seat.state()["rollout"] | {"since": 0} == seat.state()["rollout"] | {
        "stage": "canary", "version": 2, "share": 10.0, "since": 0,
    }  # fmt: skip
    capsys.readouterr()
    assert run(["rollout", "churn", "--json", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rollout"]["stage"], told["rollout"]["share"]) == ("canary", 10.0)
    assert run(["rollout", "churn", "--stop", *words]) == 0
    watch.look_if_changed()
    assert seat.state()["rollout"] is None
    assert run(["rollout", "churn", "--stop", *words]) == 4
    assert run(["rollout", "churn", "--canary", "60", *words]) == 2
    assert run(["rollout", "churn", "--stop", "--canary", "6", *words]) == 2
    capsys.readouterr()
    assert run(["history", "churn", *words]) == 0
    printed = capsys.readouterr().out
    for decision in ("stop rollout", "canary", "shadow"):
        assert f"churn  {decision}  2 beside 1  (ann)" in printed


def test_what_cannot_be_rolled_out(forged: Forged) -> None:
    """The champion itself, a version that lies about its records, and one that the gate refused."""
    home = forged.home
    with pytest.raises(UsageError, match=r"Version 1 of churn is the champion\."):
        begin(home, "churn", version=1, actor="ann")
    with pytest.raises(DataError, match="does not repeat its recorded predictions"):
        begin(home, "churn", version=3, actor="ann")
    with pytest.raises(UsageError, match=r"60 % of the customers is no canary\."):
        begin(home, "churn", share=60.0, version=2, actor="ann")
    row = Entry(actor="gate", task="churn", decision="refuse", why="worse", version="2")
    Ledger(home).append(row)
    with pytest.raises(Refused, match=r"Ledger row 1: refuse by gate\."):
        begin(home, "churn", share=10.0, version=2, actor="ann")
    assert Rollouts(home).open("churn") is None
    assert begin(home, "churn", version=2, actor="ann").rollout is not None
    with pytest.raises(NotReady, match="No version of preference to hold against the champion"):
        begin(home, "preference", actor="ann")


def test_whom_it_takes_unless_told(forged: Forged) -> None:
    """The open rollout's version, else the alias `challenger`, else the newest."""
    home, registry = forged.home, Registry(forged.home)
    champion = registry.champion("churn")

    def found() -> int:
        return challenger(home, registry, champion, None).number

    assert found() == 3
    registry.point("challenger", registry.version("churn", 2))
    assert found() == 2
    begin(home, "churn", version=2, actor="ann")
    registry.drop("challenger", "churn")
    assert found() == 2
    stop(home, "churn", actor="ann")
    assert found() == 3


def test_a_status_compares_what_both_said(forged: Forged) -> None:
    """Pairs by receipt, populations by customer, from the log of whichever server."""
    home = forged.home
    begin(home, "churn", version=2, actor="ann")
    log = PredictionLog(home)
    served = [
        Prediction(
            receipt_id=f"r{n}", task="churn", version=1, customer_id=f"c{n}",
            event_timestamp=datetime(2026, 1, 1, tzinfo=UTC), scored_at=datetime.now(UTC),
            origin="online", prediction=n / 400, answer="no",
            probabilities={"no": 1 - n / 400, "yes": n / 400}, features={"visits": 1.0},
        )
        for n in range(300)
    ]  # fmt: skip
    shadows = [
        replace(
            one, receipt_id=receipt(one.receipt_id, 2), version=2, origin="shadow",
            probabilities={"no": 0.75 - n / 400, "yes": n / 400 + 0.25},
        )
        for n, one in enumerate(served)
    ]  # fmt: skip
    log.write([*served, *shadows])
    found = report(home, "churn")
    assert (found.champion_answers, found.challenger_answers) == (300, 300)
    assert found.pairs is not None
    assert (found.pairs.answers, found.pairs.difference) == (300, pytest.approx(0.25))
    assert found.scores is not None
    assert (found.scores.outcome, found.scores.value) == ("failed", pytest.approx(1 / 3, abs=0.01))
    lines = list(found.lines())
    assert lines[0] == "churn: version 2 in the shadow of version 1"
    assert "both asked 300 times: 0.2500 apart on average" in lines[2]
