"""The skew proof on a small real home: what was answered is what the offline world says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.store import historical, open_store, service_types
from features.tables import tables
from lifecycle.gate import Evidence, Gate, NoSkew, Skew
from lifecycle.gate.replayed import no_skew
from lifecycle.prediction import Prediction
from lifecycle.prediction_log import PredictionLog
from serving.batch import score_chunk
from tests.features.canonical import event, fill, settle
from tests.training.promotion.skew_world import (
    CUSTOMERS,
    DAY,
    FIRST,
    NOW,
    ODD,
    Version,
    World,
    make_world,
    rebuild,
)
from training.model import Matrix, Scorer
from training.promotion.asked import logged
from training.promotion.skew import skew


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("skew"))


@pytest.fixture
def world(_made: World) -> Iterator[World]:
    """With an empty log; tests write to nothing else."""
    yield _made
    shutil.rmtree(_made.home.predictions, ignore_errors=True)


def first_of(world: World, kind: str) -> str:
    types = service_types(world.home, world.task.name)
    return next(name for name, one in types.items() if one == kind)


def altered(rows: list[Prediction], place: int, **changes: object) -> list[Prediction]:
    return [replace(row, **changes) if n == place else row for n, row in enumerate(rows)]


def with_feature(rows: list[Prediction], place: int, name: str, value: object) -> list[Prediction]:
    return altered(rows, place, features={**rows[place].features, name: value})


def test_what_was_served_is_what_is_known_offline(world: World) -> None:
    """Every logged request agrees: also of the customer whose newer profile is in quarantine."""
    rows = world.answers()
    odd = next(row for row in rows if row.customer_id == ODD)
    assert odd.event_timestamp == FIRST  # and its behaviour is of NOW
    assert {row.event_timestamp for row in rows} == {FIRST, NOW}
    world.log(rows)
    found = world.skew(len(rows))
    assert (found.requests, found.compared, found.mismatches) == (len(rows), len(rows), ())
    assert found.note == f"{len(rows)} logged requests"
    assert not found.problem


def test_a_batch_is_replayed_too(world: World) -> None:
    """Half of the sample at most is of batches, as long as the server answered enough."""
    built = [who for who in world.people if who != ODD]
    moments = pd.DataFrame({"customer_id": built, "event_timestamp": NOW})
    vectors = historical(world.home, world.task.name, moments)
    PredictionLog(world.home).write_table("churn", score_chunk(world.served, vectors))
    only = world.skew(10)
    assert (only.requests, only.compared, only.mismatches) == (10, 10, ())
    world.log(with_feature(world.answers(), 0, first_of(world, "number"), 1e6))
    assert world.skew(2 * CUSTOMERS).mismatches


def wrong_number(world: World, row: Prediction) -> tuple[str, object]:
    name = first_of(world, "number")
    return name, (row.features[name] or 0.0) + 1.0


def wrong_category(world: World, row: Prediction) -> tuple[str, object]:
    assert row.features[first_of(world, "category")] != "Atlantis"
    return first_of(world, "category"), "Atlantis"


def null(world: World, row: Prediction) -> tuple[str, object]:
    types = service_types(world.home, world.task.name)
    name = next(n for n, kind in types.items() if kind == "number" and row.features[n] is not None)
    return name, None


@pytest.mark.parametrize("wrong", [wrong_number, wrong_category, null])
def test_one_wrong_value_is_named(
    world: World, wrong: Callable[[World, Prediction], tuple[str, object]]
) -> None:
    """A number, a category, a null: feature, customer, moment and both values are said."""
    rows = world.answers()
    place = next(n for n, row in enumerate(rows) if row.customer_id == "c007")
    name, value = wrong(world, rows[place])
    was = rows[place].features[name]
    changed = with_feature(rows, place, name, value)
    frame = pd.DataFrame([changed[place].features])
    p = world.champion.scorer.score(frame)[0]
    told = {"no": float(p[0]), "yes": float(p[1])}
    world.log(altered(changed, place, prediction=float(p[1]), probabilities=told))
    found = world.skew(len(rows))
    assert found.compared == len(rows)
    (one,) = found.mismatches
    assert (one.what, one.name, one.customer_id) == ("feature", name, "c007")
    assert (one.at, one.online, one.offline) == (NOW.isoformat(), value, was)


def test_a_wrong_score_is_named(world: World) -> None:
    """A served probability that a batch over the same features does not give blocks, alone."""
    rows = world.answers()
    was = rows[3].prediction
    world.log(altered(rows, 3, prediction=was + 1e-4))
    (one,) = world.skew(len(rows)).mismatches
    assert (one.what, one.name) == ("score", "prediction of version 1")
    assert one.customer_id == rows[3].customer_id
    assert one.online == was + 1e-4
    assert one.offline == pytest.approx(was, abs=1e-9)


def test_somebody_whom_nobody_knows_offline_is_named(world: World) -> None:
    """Answered and logged, and not in the event store: no reason to look away."""
    rows = world.answers()
    world.log([*rows, replace(rows[0], customer_id="stranger", receipt_id="another")])
    found = world.skew(len(rows) + 1)
    (one,) = found.mismatches
    assert (one.customer_id, one.name, one.online, one.offline) == (
        "stranger", "customer_id", "stranger", None,
    )  # fmt: skip
    assert found.compared == found.requests == len(rows) + 1
    assert no_skew(NoSkew(least_requests=5), evidence_of(found)).outcome == "failed"


def test_requests_of_versions_that_are_gone_are_counted_and_named(world: World) -> None:
    """They cannot be replayed; that there were some is said."""
    rows = world.answers()
    world.log([replace(row, version=9) if n < 3 else row for n, row in enumerate(rows)])
    found = world.skew(len(rows))
    assert found.mismatches == ()
    assert "not replayed, as the version is gone or damaged: 3 of version 9" in found.note
    assert found.requests - found.compared == 3


def evidence_of(found: Skew) -> Evidence:
    """With nothing else, beside a champion."""
    return Evidence(rows=0, positives=0, seen=0, metrics={}, differences={}, skew=found)


def test_noise_within_the_tolerance_is_no_difference(world: World) -> None:
    """What is closer than the rule asks is not held against anybody."""
    rows = world.answers()
    world.log(altered(rows, 3, prediction=rows[3].prediction + 1e-9))
    assert world.skew(len(rows)).mismatches == ()


def test_a_home_that_never_served_is_proved_by_its_online_store(world: World) -> None:
    """Without a log the online store's present vectors are compared, and it is said."""
    found = world.skew()
    assert found.compared == found.requests > CUSTOMERS // 2
    assert found.mismatches == ()
    assert found.note.startswith(f"0 logged requests and {found.requests} present vectors")


def test_a_wrong_value_in_the_online_store_is_named(world: World) -> None:
    """One altered row of the online store, which nobody was served from yet."""
    table = tables(world.home, world.home.dataset())[0]
    rows = pd.concat([pd.read_parquet(part) for part in table.parts()])
    row = rows[(rows["customer_id"] == "c009") & (rows["event_timestamp"] == NOW)]
    name = next(f.name for f in table.features if f.type == "number" and row[f.name].notna().all())
    feast = open_store(world.home)
    made = row.assign(created_at=NOW)
    feast.write_to_online_store(table.view, made.assign(**{name: row[name] + 7}))
    try:
        (one,) = world.skew().mismatches
    finally:
        feast.write_to_online_store(table.view, made)
    assert (one.what, one.name, one.customer_id) == ("feature", name, "c009")
    assert one.online == one.offline + 7
    assert world.skew().mismatches == ()


@dataclass(frozen=True, kw_only=True)
class Careless:
    """A challenger that answers one row otherwise than a table."""

    of: Scorer

    def __getattr__(self, name: str) -> object:
        return getattr(self.of, name)

    def score_rows(self, rows: list[Mapping[str, object]]) -> Matrix:
        return self.of.score_rows(rows)[:, ::-1]


def test_a_challenger_answers_a_row_as_a_table(world: World) -> None:
    """The proof is of the version that would serve, too."""
    careless = replace(
        world, challenger=Version(number=2, scorer=Careless(of=world.champion.scorer))
    )
    names = {one.name for one in careless.skew().mismatches}
    assert names == {"no of version 2", "yes of version 2"}


def test_features_defined_otherwise_are_left_out_and_named(world: World) -> None:
    """What means something else today is not compared; all else is."""
    name, other = first_of(world, "number"), first_of(world, "category")
    facts = {**world.champion.scorer.facts, "definitions": {name: "of old"}}
    changed = Version(number=1, scorer=Scorer(facts, world.champion.scorer.engine))
    rows = world.answers()
    spoilt = with_feature(rows, 0, name, -1.0)
    world.log(spoilt)
    told = replace(world, champion=changed).skew(len(rows))
    assert f"not compared, as defined otherwise since: {name}" in told.note
    assert {one.what for one in told.mismatches} <= {"score"}  # of the spoilt features
    shutil.rmtree(world.home.predictions)
    world.log(with_feature(rows, 1, other, "Atlantis"))
    told = replace(world, champion=changed).skew(len(rows))
    assert other in {one.name for one in told.mismatches}


def test_a_champion_of_other_features_can_be_followed(world: World) -> None:
    """Where all it was asked with means something else today, the online store of today proves."""
    rows = world.answers()
    world.log(rows)
    facts = {**world.champion.scorer.facts, "definitions": dict.fromkeys(rows[0].features, "old")}
    old = Version(number=1, scorer=Scorer(facts, world.champion.scorer.engine))
    found = replace(world, champion=old).skew()
    assert (found.requests, found.compared) == (2 * len(rows), len(rows))
    assert found.mismatches == ()
    assert f"{len(rows)} set aside, because nothing offline is comparable" in found.note


def test_the_sample_is_seeded(world: World) -> None:
    """The same seed draws the same customers, each once; another one may draw others."""

    def drawn(seed: int) -> list[str]:
        found = logged(world.home, "churn", NOW, 4, np.random.default_rng(seed))
        return [one.customer_id for one in found]

    world.log(world.answers())
    assert [len(set(drawn(seed))) for seed in range(5)] == [4] * 5
    assert drawn(3) == drawn(3)
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1


def test_where_it_does_not_apply(world: World) -> None:
    """Without a champion, or a rule that asks, nothing is replayed."""
    assert skew(world.home, world.task, world.challenger, None, NOW) is None
    unasked = replace(world.task, gate=Gate(rules=()))
    assert skew(world.home, unasked, world.challenger, world.champion, NOW) is None


def test_where_there_is_nothing_to_replay(world: World, tmp_path: Path) -> None:
    """Neither a log nor a fresh row online, or no features at all: a problem, never a pass."""
    later = skew(
        world.home, world.task, world.challenger, world.champion, NOW + 30 * DAY, requests=9
    )
    assert later is not None
    assert later.compared == 0
    assert "the online store holds nobody" in later.problem
    bare = settle(tmp_path / "bare")
    never = skew(bare, world.task, world.challenger, world.champion, NOW)
    assert never is not None
    assert never.problem


def test_a_late_event_is_no_false_alarm(tmp_path: Path) -> None:
    """An event brought in after the answer changes the row; the answer was right for its day."""
    world = make_world(tmp_path)
    rows = world.answers()
    world.log(rows)
    twin = event("c009", "buy", NOW - 2 * DAY, value=99.0, received_at=NOW - DAY)
    fill(world.home, [], [twin])
    rebuild(world, NOW)
    found = world.skew(len(rows))
    assert found.mismatches == ()
    assert found.compared >= len(rows) - 1  # and perhaps a present vector in its place
    assert "1 set aside, because events came in after the answer" in found.note

    # Rebuilt without a snapshot of that moment, it is computed from the event store.
    later = NOW + DAY
    fill(world.home, [], [event("c000", "login", later)])
    rebuild(world, later)
    again = world.skew(len(rows))
    assert again.mismatches == ()
    assert again.compared >= len(rows) - 1
    assert "1 set aside, because events" in again.note

    # A late event excuses nothing that it does not explain.
    name = first_of(world, "category")
    place = next(n for n, row in enumerate(rows) if row.customer_id == "c009")
    shutil.rmtree(world.home.predictions)
    world.log(with_feature(rows, place, name, "Atlantis"))
    wrong = world.skew(len(rows))
    assert name in {one.name for one in wrong.mismatches}
    assert {one.customer_id for one in wrong.mismatches} == {"c009"}
