"""A slot's draw is a function of the seed, the slot and the outcomes it may know."""

from __future__ import annotations

from pathlib import Path

from optuna.trial import FrozenTrial, TrialState, create_trial

from tests.training.search.conftest import SPACE, make_plan
from training.search.draw import LAG, Proposer, candidate_of, draw_balance, known, means
from training.search.warm import warm_starts


def made_up(plan: object, count: int) -> list[FrozenTrial]:
    """Outcomes of so many slots, each a function of its draw."""
    proposer, found = Proposer(plan, warm_starts(SPACE, 100)), []  # type: ignore[arg-type]
    for slot in range(count):
        trial = proposer.propose(slot, found[: known(slot)])
        score = sum(len(str(value)) for value in trial.params.values()) / 100
        found.append(
            create_trial(
                state=TrialState.PRUNED if slot % 3 == 2 else TrialState.COMPLETE, value=score,
                params=trial.params, distributions=trial.distributions,
                user_attrs={"outcome": {"scores": [score], "rounds": [slot + 1]}},
            )
        )  # fmt: skip
    return found


def test_one_who_was_there_from_the_start_draws_as_one_who_comes_late(tmp_path: Path) -> None:
    """A study that grew, one made afresh, and one that had to go back draw the same values."""
    plan = make_plan(tmp_path)
    outcomes = made_up(plan, 26)
    warm = warm_starts(SPACE, 100)
    back = Proposer(plan, warm)
    for slot in (25, 12, 24, 3):
        before = outcomes[: known(slot)]
        afresh = Proposer(plan, warm).propose(slot, before).params
        assert afresh == back.propose(slot, before).params == outcomes[slot].params


def test_what_a_slot_knows_never_sinks_and_leaves_room_for_workers() -> None:
    """Four at once from the first slot on, and soon as many as there may be."""
    counts = [known(slot) for slot in range(60)]
    room = [slot - count + 1 for slot, count in enumerate(counts)]
    assert counts == sorted(counts)
    assert room[:4] == [1, 2, 3, 4]
    assert set(room[3:]) == set(range(4, LAG + 1))
    assert set(room[20:]) == {LAG}


def test_the_order_in_which_a_storage_gives_parameters_is_no_matter(tmp_path: Path) -> None:
    """Each storage has its own, and the sampler reads them in the order it finds."""
    plan = make_plan(tmp_path)
    outcomes = made_up(plan, 22)
    turned = [
        create_trial(
            state=t.state, value=t.value, user_attrs=t.user_attrs,
            params=dict(reversed(t.params.items())), distributions=t.distributions,
        )
        for t in outcomes
    ]  # fmt: skip
    one, two = (Proposer(plan, ()).propose(29, told) for told in (outcomes, turned))
    assert one.params == two.params


def test_a_candidate_has_the_rounds_of_its_folds(tmp_path: Path) -> None:
    """What a finished trial drew comes back, with what its folds found best."""
    last = made_up(make_plan(tmp_path), 3)[-1]
    candidate = candidate_of(last, SPACE)
    assert candidate.rounds == (3,)
    assert set(candidate.params) == set(SPACE.spaces[candidate.algorithm])


def test_each_balancing_draws_what_it_leaves_open(tmp_path: Path) -> None:
    """Neighbours where there are neighbours, a ratio in steps where rows are made or left out."""
    trial = Proposer(make_plan(tmp_path), ()).propose(0, [])
    assert draw_balance(trial, "class_weight", {}).k_neighbors == 5
    under = draw_balance(trial, "under", SPACE.smote)
    assert round(under.ratio * 10, 6) == int(under.ratio * 10 + 0.5)
    borderline = draw_balance(trial, "borderline", SPACE.smote)
    assert 3 <= borderline.k_neighbors <= 15
    assert means([1.0, 3.0]) == [1.0, 2.0]
