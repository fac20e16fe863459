"""The search is one study: the same again whoever runs it, carried on after a kill, never stuck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lifecycle.errors import Busy, DataError
from lifecycle.lock import held
from lifecycle.metrics import metric
from lifecycle.progress import Advance
from lifecycle.space import Choice
from tests.training.search.conftest import SPACE, make_plan, make_problem, told
from training.boosters import Fitted, load_fitted
from training.folds import Problem
from training.search.board import open_board
from training.search.hand import Hand, Job
from training.search.identity import named
from training.search.kept import forget, keep
from training.search.plan import Found, Plan
from training.search.scoring import score_fold
from training.search.search import search
from training.search.slots import Key, Order, is_over
from training.search.stages import best_first, spread


def test_the_same_seed_is_the_same_search(tmp_path: Path) -> None:
    """Two searches draw the same trials with the same scores; another seed does not."""
    stages = (make_problem(),)
    one = search(stages, make_plan(tmp_path / "one"))
    two = search(stages, make_plan(tmp_path / "two"))
    other = search(stages, replace(make_plan(tmp_path / "other"), seed=4))
    assert told(one) == told(two)
    assert (one.ranked, one.scores) == (two.ranked, two.scores)
    assert told(one) != told(other)


TRIALS = 22  # the sampler learns from the 18th on, pruning begins with the 13th
TINY = (make_problem(120, rounds=3),)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What one worker comes to."""
    return search(TINY, make_plan(tmp_path_factory.mktemp("alone"), TRIALS))


@pytest.mark.parametrize(("storage", "workers"), [("journal", 4), ("sqlite", 8)])
def test_any_number_of_workers_comes_to_the_same_trials(
    tmp_path: Path, alone: Found, storage: str, workers: int
) -> None:
    """Up to eight at once, begun and ended in any order, leave what one alone leaves."""
    plan = make_plan(tmp_path / storage, TRIALS)
    if storage == "sqlite":
        plan = replace(plan, storage=f"sqlite:///{tmp_path / 'search.db'}")
    scramble(TINY, plan, workers, seed=workers)
    found = search(TINY, plan)
    assert {t.state.name for t in alone.trials} == {"COMPLETE", "PRUNED"}
    assert told(found) == told(alone)
    assert (found.ranked, found.scores) == (alone.ranked, alone.scores)


def scramble(stages: tuple[Problem, ...], plan: Plan, workers: int, seed: int) -> None:
    """Work the study off by several workers, each a step behind or ahead of the others."""
    rng = np.random.default_rng(seed)
    study = named(plan, stages)
    study.folder.mkdir(parents=True)
    hands = [Hand(plan=study, stages=stages, board=open_board(study)) for _ in range(workers)]
    order = Order(stage=0, slots=range(TRIALS))
    jobs: dict[int, Job | None] = dict.fromkeys(range(workers))
    while True:
        place = int(rng.integers(workers))
        job = jobs[place]
        if job is not None:
            hands[place].do(job)
            jobs[place] = None
        else:
            jobs[place] = hands[place].begin(order)
        if is_over(order, hands[0].board.look(), now=0.0):
            return


def test_a_finished_study_is_not_searched_again(tmp_path: Path) -> None:
    """Asking for the same trials again adds none; asking for more adds only those."""
    stages, plan = (make_problem(),), make_plan(tmp_path)
    first = search(stages, plan)
    assert told(search(stages, plan)) == told(first)
    more = search(stages, replace(plan, trials=7))
    assert told(more)[:5] == told(first)
    assert len(more.trials) == 7


def test_a_longer_search_of_earlier_changes_no_choice(tmp_path: Path) -> None:
    """Few trials choose from those few, though the study holds more: same seed, same model."""
    stages, plan = (make_problem(), make_problem(800)), make_plan(tmp_path / "a", trials=3)
    alone = search(stages, make_plan(tmp_path / "b", trials=3))
    search(stages, replace(plan, trials=9))
    again = search(stages, plan)
    assert told(again) == told(alone)
    assert (again.ranked, again.value, again.counts) == (alone.ranked, alone.value, alone.counts)


def test_a_study_has_one_search_at_a_time(tmp_path: Path) -> None:
    """While a neighbour of this home runs the study, the second is told so."""
    plan, stages = make_plan(tmp_path), (make_problem(),)
    lock = tmp_path / f"{named(plan, stages).name}.held"
    words = r"This very search is under way already.*\.held"
    with held(lock, "It"), pytest.raises(Busy, match=words):
        search(stages, plan)


def test_other_rows_are_another_study(tmp_path: Path) -> None:
    """A name covers the rows, the folds, the space and the seed, and not how it is run."""
    plan, problem = make_plan(tmp_path), make_problem(100)
    changed = problem.matrix.copy()
    changed[3, 1] += 1e-9
    (fit, validate), *rest = problem.folds
    others = [
        named(plan, (replace(problem, matrix=changed),)),
        named(plan, (replace(problem, folds=[(fit[1:], validate), *rest]),)),
        named(plan, (replace(problem, settings=replace(problem.settings, rounds=9)),)),
        named(plan, (problem, problem)),
        named(replace(plan, seed=4), (problem,)),
        named(replace(plan, search=replace(SPACE, balancing=("none",))), (problem,)),
    ]
    same = named(replace(plan, workers=4, seconds=3.0, trials=None), (problem,)).name
    assert same == named(plan, (problem,)).name
    assert len({same, *(other.name for other in others)}) == len(others) + 1


def test_both_boosters_are_tried_first(tmp_path: Path) -> None:
    """The study starts from known good points of each booster, without balancing."""
    found = search((make_problem(),), make_plan(tmp_path, trials=2))
    assert {t.params["algorithm"] for t in found.trials} == {"lightgbm", "xgboost"}
    assert {t.params["balancing"] for t in found.trials} == {"none"}


@pytest.mark.parametrize("stages", [1, 3])
def test_time_ends_a_search_but_never_before_it_has_a_number(tmp_path: Path, stages: int) -> None:
    """With no time at all: one trial on the first stage, and its candidate on the last."""
    problems = [make_problem(rows) for rows in (200, 400, 800)][-stages:]
    found = search(problems, replace(make_plan(tmp_path, trials=None), seconds=0.0))
    assert [t.user_attrs["stage"] for t in found.trials] == [0, 2][: min(stages, 2)]
    assert len(found.ranked) == 1


def test_what_time_cut_short_counts_for_that_search_alone(tmp_path: Path) -> None:
    """A later search, which has the time, fits it again: same trials, same model."""
    stages = (make_problem(200, rounds=10), make_problem(400, rounds=10))
    plan = make_plan(tmp_path / "a", trials=2)
    hurried = search(stages, replace(plan, seconds=0.0))
    (cut,) = hurried.ranked
    assert cut.rounds == (1, 1)
    stages_kept: list[int] = []

    def watched(of: Plan, key: Key, fitted: Sequence[Fitted]) -> None:
        stages_kept.append(key[0])
        keep(of, key, fitted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.search.hand.keep", watched)
        again = search(stages, plan)
    assert set(stages_kept) == {1}  # what the first stage fits is of no use later
    alone = search(stages, make_plan(tmp_path / "b", trials=2))
    assert told(again) == told(alone)
    assert again.ranked == alone.ranked
    for place, folder in again.kept.items():
        candidate = again.ranked[place]
        for fold, rounds in enumerate(candidate.rounds):
            where, encoder = folder / f"fold-{fold}", stages[1].encoder
            assert load_fitted(candidate.algorithm, where, rounds, encoder) is not None


def test_a_search_uses_its_time_and_no_more(tmp_path: Path) -> None:
    """It ends near its limit: what would cross the limit is not begun."""
    plan = replace(make_plan(tmp_path, trials=None), seconds=1.0)
    found = search((make_problem(200, rounds=10),), plan)
    assert len(found.trials) > 1
    assert found.seconds < 10.0  # of a machine that stalls; without a limit it never ends


def test_the_best_meet_again_on_more_rows(tmp_path: Path) -> None:
    """All on the first stage, four on the next, two on the last, which decides."""
    stages = [make_problem(rows, rounds=10) for rows in (150, 300, 600)]
    found = search(stages, make_plan(tmp_path, trials=11))
    by_stage = [[t for t in found.trials if t.user_attrs["stage"] == s] for s in range(3)]
    assert [len(trials) for trials in by_stage] == [11, 4, 2]
    for before, after in pairwise(by_stage):
        best = spread(best_first(before, make_plan(tmp_path)), len(after))
        wanted = {t.user_attrs["slot"] for t in best}
        assert {t.user_attrs["slot"] for t in after} == wanted
    assert found.scores == tuple(sorted(t.value for t in by_stage[2]))
    assert all(len(candidate.rounds) == 2 for candidate in found.ranked)


def test_kept_boosters_answer_as_they_were_scored(tmp_path: Path) -> None:
    """What is kept of the best trials, and only of them, gives the trial's own scores."""
    stages = (make_problem(rounds=10),)
    plan = make_plan(tmp_path, trials=14)
    found = search(stages, plan)
    assert set(found.kept) == set(range(len(found.ranked)))
    kept = next(iter(found.kept.values())).parent
    assert set(kept.iterdir()) == set(found.kept.values())
    for place, folder in found.kept.items():
        assert sorted(f.name for f in folder.iterdir()) == ["fold-0", "fold-1"]
        candidate = found.ranked[place]
        scores = [
            score_fold(load_fitted(candidate.algorithm, folder / f"fold-{fold}", rounds,
                                   stages[0].encoder), plan, stages[0], fold)
            for fold, rounds in enumerate(candidate.rounds)
        ]  # fmt: skip
        assert np.mean(scores) == found.scores[place]
    forget(found)
    assert not kept.exists()
    assert search(stages, plan).kept == {}


def test_somebody_who_watches_sees_every_trial_and_the_best(tmp_path: Path) -> None:
    """The bar is moved once a finished trial, and its note has the best score so far."""
    seen: list[tuple[int, str]] = []

    @contextmanager
    def watching(label: str, total: int | None) -> Iterator[Advance]:
        assert (label, total) == ("search churn", 5)
        yield lambda n, note="": seen.append((n, note))

    found = search((make_problem(),), make_plan(tmp_path), watching)
    assert sum(n for n, _ in seen) == 5
    assert seen[-1][1] == f"best {found.value:.4f}"


def test_a_shuffled_label_is_at_chance(tmp_path: Path) -> None:
    """When labels are noise, no resampling or search finds anything out of fold."""
    problem = make_problem(2_000, rounds=10)
    shuffled = np.random.default_rng(0).permutation(problem.labels)
    found = search(
        (replace(problem, labels=shuffled),),
        replace(make_plan(tmp_path, trials=6), metric="roc_auc"),
    )
    assert 0.42 < found.value < 0.58


def test_a_search_space_that_no_booster_takes_says_so(tmp_path: Path) -> None:
    """When every trial fails, the booster's own words are in the error."""
    broken = replace(SPACE, spaces={"xgboost": {"max_depth": Choice((-3,))}}, balancing=("none",))
    with pytest.raises(DataError, match=r"No trial .*-3"):
        search((make_problem(),), make_plan(tmp_path, trials=2, space=broken))


def test_the_value_is_the_mean_over_folds(tmp_path: Path) -> None:
    """What is optimised is the mean of the folds' scores, in the task's own metric."""
    found = search((make_problem(),), make_plan(tmp_path, trials=1))
    assert found.value == pytest.approx(np.mean(found.trials[0].user_attrs["scores"]))
    assert metric("binary", "log_loss", [0, 1], [0.5, 0.5]) > found.value
