"""What differs before anything is measured: features, categories, choices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.training.promotion.side_by_side.conftest import Two
from training.model import Scorer
from training.promotion.side_by_side.changes import choices, feature_changes, spoken
from training.promotion.side_by_side.recorded import Entrant
from training.promotion.side_by_side.values import Choice, Comparison


def other(one: Entrant, parameters: dict[str, str] | None = None, **facts: Any) -> Entrant:
    """The same version with other facts."""
    scorer = Scorer({**one.facts, **facts}, one.scorer.engine)
    return replace(
        one,
        contender=replace(one.contender, scorer=scorer),
        parameters=one.parameters if parameters is None else parameters,
    )


def test_features_that_came_went_or_changed_are_told_apart(two: Two) -> None:
    """Each lands in one list; what is alike is counted."""
    one, _ = two.entrants
    features = [list(pair) for pair in one.facts["features"]]
    names = [name for name, _ in features]
    changed = [["n0", "category"] if pair[0] == "n0" else pair for pair in features]
    changed = [pair for pair in changed if pair[0] != "n1"] + [["new", "number"]]
    known = dict.fromkeys(names, "a")
    was = other(one, definitions=known)
    now = other(
        one, features=changed, definitions={**known, "n2": "b"},
        categories={**one.facts["categories"], "n0": ["x"], "plan": ["free", "max"]},
    )  # fmt: skip
    found = feature_changes(was, now)
    assert (found.added, found.removed) == (("new",), ("n1",))
    assert found.retyped == ("n0: number, category",)
    assert found.redefined == ("n2",)
    assert found.same == len(names) - 3
    assert found.unknown == ()
    assert set(found.categories) == {"plan"}
    assert found.categories["plan"].startswith("only 1: pro, team; only 1: max")


def test_definitions_that_were_not_kept_are_said_to_be_unknown(two: Two) -> None:
    """Of a version without them nothing is claimed."""
    one, second = two.entrants
    found = feature_changes(other(one, definitions={}), second)
    assert found.redefined == ()
    assert found.unknown == (1,)


def test_what_is_the_same_differs_in_nothing(two: Two) -> None:
    """A version beside itself has no differing choice and every feature alike."""
    one, _ = two.entrants
    differing, same = choices(one, one)
    assert differing == ()
    assert same > 10
    assert feature_changes(one, one).same == len(one.scorer.features)


def test_choices_are_named_with_both_values(two: Two) -> None:
    """Parameters, balancing, calibrator and threshold, each by its own name."""
    one, _ = two.entrants
    balancing = {**one.facts["balancing"], "method": "smotenc"}
    second = other(
        one, params={"eta": 0.123456789}, balancing=balancing, threshold=0.9,
        calibrator={"method": "isotonic", "curves": [{"x": [0.1, 0.2, 0.3], "y": [0, 0, 1]}]},
    )  # fmt: skip
    found = {choice.name: choice for choice in choices(one, second)[0]}
    assert found["params.eta"] == Choice(name="params.eta", first="", second="0.123457")
    assert found["balancing.method"].second == "smotenc"
    assert found["calibrator.method"].second == "isotonic"
    assert found["calibrator.steps"].second == "3"
    assert found["threshold"].second == "0.9"


def test_of_libraries_only_those_that_differ(two: Two) -> None:
    """A long list of pins says what is another."""
    one, _ = two.entrants
    was = other(one, {"libraries": "numpy==2.0 scipy==1.1"})
    now = other(one, {"libraries": "numpy==2.1 scipy==1.1"})
    (found,) = choices(was, now)[0]
    assert (found.first, found.second) == ("numpy==2.0", "numpy==2.1")


def test_the_two_versions_differ_as_they_were_made_to(found: Comparison) -> None:
    """Another calibrator, threshold and definition, and no run to tell of the rest."""
    names = {choice.name for choice in found.choices}
    assert {"threshold", "calibrator.bias", "rounds"} & names == {"threshold", "calibrator.bias"}
    # version 1 keeps no definitions: its frame was made up without a catalogue
    assert found.features.unknown == (1,)
    assert (found.second.verdict.decision, found.second.verdict.against) == ("refuse", "1")
    assert found.first.aliases == ("champion",)


def test_values_are_spoken_with_the_digits_that_matter() -> None:
    """Numbers to six digits, lists with commas, truth in words."""
    assert spoken(0.1234567) == "0.123457"
    assert spoken([1, 3.0, "a"]) == "1, 3, a"
    assert spoken(True) == "yes"
