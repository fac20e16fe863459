"""The benchmark of the gate: its truths are true, and its shares are counted right."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gate import lines, meet
from benchmarks.gate import told as read_verdicts
from benchmarks.gate_duels import Duel, duels, equals, gains, met, sample
from benchmarks.gate_models import Known, Recipe, answers_file, learned, recipes
from benchmarks.gate_numbers import Numbers, Share
from benchmarks.gate_report import write
from benchmarks.gate_rules import GATES, MARGINS, NOT_WORSE, RULES, case, promotes, verdicts
from benchmarks.gate_world import MATRIX, ROWS, TOLD, World, read
from lifecycle.metrics import roc_auc
from training.model import Encoder

LEARNERS, TRUE, PAIRS, SIZE = 300, 500, 3, 250


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world as `benchmarks.gate_make` writes it, made of noise and one true cause."""
    found = tmp_path_factory.mktemp("gate")
    (found / "answers").mkdir()
    rng = np.random.default_rng(0)
    customer = np.repeat(np.arange(LEARNERS + TRUE), rng.integers(1, 5, LEARNERS + TRUE))
    push = rng.normal(0, 2, (LEARNERS + TRUE, 4))[customer] + rng.normal(size=(len(customer), 4))
    label = rng.random(len(customer)) < 1 / (1 + np.exp(-push.sum(axis=1)))
    country = rng.choice(["DE", "US"], len(customer))
    rows = pd.DataFrame({"customer": customer, "label": label, "profile_country": country})
    rows.to_parquet(found / ROWS, index=False)
    numbers = np.column_stack([push, rng.normal(size=(len(customer), 3)), country == "DE"])
    np.save(found / MATRIX, numbers.astype(np.float32))
    features = [*((f"number_{place}", "number") for place in range(7)), ("country", "category")]
    told = {"learners": LEARNERS, "features": features, "categories": {"country": ["DE", "US"]}}
    (found / TOLD).write_text(json.dumps(told))
    return found


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return read(folder)


@pytest.fixture(scope="module")
def models(world: World, folder: Path) -> list[Known]:
    return [learned(world, recipe, folder / "answers") for recipe in recipes(PAIRS)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_customers_bring_all_their_rows(counts: list[int], data: st.DataObject) -> None:
    """Whoever is drawn twice comes twice, as two customers."""
    customer = np.repeat(np.arange(len(counts)), counts)
    rows = pd.DataFrame({"customer": customer, "label": False})
    small = World(rows=rows, matrix=np.zeros((len(rows), 1)), encoder=Encoder([], {}), learners=0)
    drawn = np.array(data.draw(st.lists(st.integers(0, len(counts) - 1), min_size=1)))
    where, whose = small.rows_of(drawn)
    for place, one in enumerate(drawn):
        assert where[whose == place].tolist() == np.flatnonzero(customer == one).tolist()


def test_nobody_learns_from_the_truth(world: World) -> None:
    """Fitted, held back, and the truth: three sets of customers without a common one."""
    for recipe in recipes(PAIRS):
        fitted, held = recipe.people(LEARNERS)
        assert not np.isin(fitted, held).any()
        assert max(*fitted, *held) < LEARNERS
    one = Duel(group="equal", number=0, challenger="", champion="", gain=0.0, saved=0.0)
    drawn = sample(world, one, 2_000)
    assert set(drawn) <= set(range(LEARNERS, LEARNERS + TRUE))
    assert len(set(drawn)) > 0.9 * TRUE
    assert sample(world, replace(one, number=1), 2_000).tolist() != drawn.tolist()


def test_what_is_true_of_a_model_is_measured_on_all_of_the_truth(
    world: World, folder: Path, models: list[Known]
) -> None:
    """The truth is no sample; and no two models are the same."""
    said = np.load(answers_file(folder / "answers", models[0].name))[world.true_rows]
    both = np.column_stack([1 - said, said]).astype(np.float64)
    assert models[0].roc_auc == pytest.approx(roc_auc(world.labels[world.true_rows], both))
    assert len({one.roc_auc for one in models}) == len(models)
    assert Known.of(models[0].line()) == models[0]


def known(seed: int, auc: float, loss: float, *, weak: bool = False) -> Known:
    return Known(
        recipe=Recipe(lacks="rows" if weak else "nothing", seed=seed), roc_auc=auc,
        log_loss=loss, skill=0.1, own_auc=auc, rounds=10, seconds=0.0,
    )  # fmt: skip


def test_equals_are_the_nearest_in_both_metrics() -> None:
    """Each model once, nearest first; near in one metric only is not near."""
    some = [known(0, 0.8, 0.5), known(1, 0.8, 0.6), known(2, 0.8003, 0.5), known(3, 0.8, 0.601)]
    found = [{one.recipe.seed, two.recipe.seed} for one, two in equals(some, 2)]
    assert found == [{0, 2}, {1, 3}]


def test_a_gain_is_one_in_both_metrics() -> None:
    """A champion that is weaker in ROC-AUC alone is no weaker champion."""
    sound = [known(seed, 0.80 + seed / 1000, 0.5) for seed in range(4)]
    weak = [known(10, 0.78, 0.6, weak=True), known(11, 0.79, 0.4, weak=True)]
    assert [two.recipe.seed for _, two in gains(sound, weak, 4)] == [10]
    every = duels([*sound, *weak], 1)
    assert [one.group for one in every] == ["equal", "better", "worse"]
    better, worse = every[1:]
    assert better.gain > 0 < better.saved
    assert (worse.challenger, worse.gain) == (better.champion, -better.gain)


def test_the_gates_say_what_they_are_said_to(
    world: World, folder: Path, models: list[Known]
) -> None:
    """A model against itself wins nothing and loses nothing; one that is far worse is refused."""
    one = models[0]
    drawn = np.arange(LEARNERS, LEARNERS + TRUE)
    same = case(met(world, folder / "answers", (one, one), drawn))
    said = verdicts(same)
    assert [name for name in GATES if said[name].decision == "promote"] == [NOT_WORSE]
    assert not any(promotes(same, said)[name] for name in RULES if name not in GATES)
    worst = min(models, key=lambda other: other.roc_auc)
    assert one.roc_auc - worst.roc_auc > 3 * MARGINS["roc_auc"]
    there = case(met(world, folder / "answers", (worst, one), drawn))
    assert all(verdict.decision == "refuse" for verdict in verdicts(there).values())
    back = case(met(world, folder / "answers", (one, worst), drawn))
    assert all(promotes(back, verdicts(back))[name] for name in [*GATES, "AUC is higher"])


def test_the_report_is_written_from_the_lines(
    world: World, folder: Path, models: list[Known], tmp_path: Path
) -> None:
    """From models to the page: every rule has its rows, every group its column."""
    by_name = {one.name: one for one in models}
    told = [
        json.loads(meet(folder, (one, by_name[one.challenger], by_name[one.champion], SIZE)))
        for one in duels(models, PAIRS)
    ]
    assert {line["duel"]["group"] for line in told} == {"equal", "better", "worse"}
    write(told, models, world, tmp_path)
    page = (tmp_path / "gate.md").read_text()
    assert all(page.count(f"| {name} |") + page.count(f"| **{name}** |") >= 2 for name in RULES)
    assert "{" not in page
    assert "nan" not in page
    assert (tmp_path / "gate.svg").stat().st_size > 10_000
    before = (tmp_path / "gate.svg").read_bytes()
    write(told[::-1], models, world, tmp_path)
    assert (tmp_path / "gate.svg").read_bytes() == before
    with pytest.raises(SystemExit, match="No pair was judged yet"):
        write([], models, world, tmp_path)


def told(group: str, *, promoted: bool, gain: float, saved: float = 0.0) -> dict[str, object]:
    return {
        "duel": {"group": group, "number": 0, "gain": gain, "saved": saved}, "customers": 100,
        "promotes": {"rule": promoted}, "against": [],
        "intervals": {"ROC-AUC": [0.0, -0.01, 0.02], "log-loss": [0.0, -0.01, 0.02]},
    }  # fmt: skip


def test_shares_are_of_those_that_were_asked() -> None:
    """A loss within the margin is no loss beyond it, whichever metric it is in."""
    numbers = Numbers([
        told("equal", promoted=True, gain=0.0),
        told("worse", promoted=True, gain=-0.004),
        told("worse", promoted=True, gain=-0.012),
        told("worse", promoted=False, gain=-0.001, saved=-0.02),
        told("better", promoted=False, gain=0.004),
        told("better", promoted=True, gain=0.02, saved=0.03),
    ])  # fmt: skip
    assert numbers.promoted("rule", "worse") == Share(hits=2, of=3)
    assert numbers.beyond("rule") == Share(hits=1, of=2)
    assert numbers.refused("rule") == Share(hits=1, of=2)
    assert [share.hits for share in numbers.by_gain("rule", "better")] == [0, 0, 0, 0, 0, 1]
    assert [share.of for share in numbers.by_gain("rule", "worse")] == [0, 1, 0, 0, 1, 1]
    # a log-loss that is lower by 0.03 is a difference of −0.03
    assert numbers.covered("log-loss") == Share(hits=5, of=6)
    assert numbers.covered("ROC-AUC") == Share(hits=5, of=6)


def test_one_in_twenty_is_held_but_for_noise() -> None:
    """Of 200, fifteen may come by luck where the truth is ten; sixteen hardly."""
    assert Share(hits=15, of=200).held
    assert not Share(hits=16, of=200).held
    low, high = Share(hits=10, of=200).interval
    assert (low, high) == (pytest.approx(0.0242, abs=1e-4), pytest.approx(0.0900, abs=1e-4))
    assert Share(hits=0, of=0).words() == "–"


def test_verdicts_on_other_pairs_are_left_out(models: list[Known], tmp_path: Path) -> None:
    """A verdict on a pair that today's models do not make is none of this run's."""
    path, one = tmp_path / "verdicts.jsonl", asdict(duels(models, PAIRS)[0])
    verdicts_there = [
        {"duel": one, "customers": 10},
        {"duel": one, "customers": 20},
        {"duel": {**one, "gain": one["gain"] + 1}, "customers": 10},
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in verdicts_there))
    assert read_verdicts(path, models, PAIRS, [10]) == verdicts_there[:1]


def test_a_line_cut_short_is_none(tmp_path: Path) -> None:
    """A kill in the middle of a line costs that line only."""
    path = tmp_path / "lines.jsonl"
    assert lines(path) == []
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": ')
    assert lines(path) == ['{"a": 1}', '{"a": 2}']
