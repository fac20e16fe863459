"""Names say what sets a segment apart, are unique, and stay with their segment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.behaviour_model import Past, Segment
from segments.naming import FAR, describe, match, name_all, words
from tests.segments.test_behaviour_model import column, segment

COLUMNS = tuple(column(name) for name in "abc")
FOUR = (
    segment("", 2.0, 0.0, 0.0), segment("", -2.0, 0.0, 0.0), segment("", 0.0, 2.0, 0.1),
    segment("", 0.0, 0.1, -2.0),
)  # fmt: skip


def past_of(one: Segment) -> Past:
    return Past(name=one.name, means=one.means)


def test_the_greatest_differences_first() -> None:
    """Two words at most, of two sides of behaviour; a small difference has none."""
    assert words(segment("", 0.5, -1.5, 0.1), COLUMNS) == ["low b", "high a"]
    assert words(segment("", 0.1, 0.1, 0.1), COLUMNS) == ["average"]


def test_one_word_a_side() -> None:
    """Two features of one side are one difference, spoken of by the greater."""
    columns = (COLUMNS[0], replace(COLUMNS[1], side="a"), COLUMNS[2])
    assert words(segment("", 1.0, 2.0, 0.5), columns) == ["high b", "high c"]


def test_alike_segments_get_longer_names() -> None:
    """A third word tells them apart, and a number where words run out."""
    alike = [segment("", 2.0, 1.0, 0.5), segment("", 2.1, 1.0, 0.5), segment("", 2.0, 1.1, 0.5)]
    assert describe(alike, COLUMNS) == [
        "high a, high b", "high a, high b, high c", "high a, high b 2",
    ]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    order=st.permutations(range(4)),
    drift=st.lists(st.floats(-0.3, 0.3), min_size=12, max_size=12),
)
def test_names_stay_under_renumbering_and_drift(order: list[int], drift: list[float]) -> None:
    """However the fit numbers its clusters, and though each moved a little: same names."""
    before = name_all(FOUR, COLUMNS).segments
    moved = [segment("", *(np.array(FOUR[at].centre) + drift[3 * at : 3 * at + 3])) for at in order]
    after = name_all(moved, COLUMNS, before)
    assert [one.name for one in after.segments] == [before[at].name for at in order]
    assert (set(after.kept), after.lost) == ({one.name for one in before}, ())


def test_a_split_keeps_one_name_and_makes_another() -> None:
    """With one more segment the nearer part keeps the name; the other's name was never used."""
    before = name_all(FOUR, COLUMNS).segments
    more = [*FOUR[:3], segment("", 0.0, 0.2, -1.8), segment("", 0.9, 0.9, -2.6)]
    after = name_all(more, COLUMNS, before)
    assert [one.name for one in after.segments[:4]] == [one.name for one in before]
    assert after.segments[4].name not in {one.name for one in before}
    assert after.lost == ()


def test_what_is_lost_is_told_and_known_again() -> None:
    """A segment that disappears keeps its name to itself, and takes it up when it returns."""
    first = name_all(FOUR, COLUMNS)
    without = name_all(FOUR[:3], COLUMNS, first.segments, first.past)
    assert without.lost == (first.segments[3].name,)
    back = name_all(FOUR, COLUMNS, without.segments, without.past)
    assert [one.name for one in back.segments] == [one.name for one in first.segments]
    assert (back.returned, back.past) == (without.lost, ())


def test_a_lost_name_is_no_other_segments() -> None:
    """A new segment that would be called the same gets a name of its own."""
    first = name_all([segment("", 3.0, 0.0, 0.0)], COLUMNS)
    after = name_all([segment("", 1.0, 0.0, 0.0)], COLUMNS, first.segments)
    assert (first.segments[0].name, after.segments[0].name) == ("high a", "high a 2")
    assert after.segments[0].description == "high a"
    assert after.lost == ("high a",)


def test_too_far_is_no_match() -> None:
    """The distance is a root mean square, so one column alone may differ by more."""
    far = FAR * 3**0.5
    near_one, far_one = segment("", 2.0 + far - 0.01, 0.0, 0.0), segment("", 2.0 + far + 0.01, 0, 0)
    known = [past_of(FOUR[0])]
    assert match([near_one], known, COLUMNS) == {0: 0}
    assert match([far_one], known, COLUMNS) == {}


def test_other_features_are_no_ground_to_match() -> None:
    """With less than half of today's columns in common nothing is taken for the same."""
    known = [past_of(replace(FOUR[0], means={"a plain d": 2.0}))]
    assert match(FOUR, known, COLUMNS) == {}
    assert match(FOUR, known, COLUMNS[:2]) == {0: 0}
