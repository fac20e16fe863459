"""Why a customer is in a segment: every condition with the value it is held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.build import build
from lifecycle.errors import UsageError
from lifecycle.home import Home
from segments.build import build_segments
from segments.customer import CustomerSegments, Reason, customer_segments
from tests.features.canonical import AS_OF, alive, customer, days, event, fill, settle

RULES = """
[segments.buyers]
label = "Buyers"
rule = "buy happened within last 14 days AND (age >= 40 OR country = 'de')"
[segments.quiet]
rule = "NOT last_login within last 3 days"
[lifecycle.new]
rule = "signed_up within 7 days"
[lifecycle.active]
rule = "last_activity within last 14 days"
[lifecycle.gone]
rule = "otherwise"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Ann signed up ten days ago and bought yesterday; Bob signed up a month ago, and left."""
    home = settle(tmp_path_factory.mktemp("two"))
    home.segments_file.write_text(RULES, encoding="utf-8")
    fill(
        home,
        [
            customer("ann", AS_OF - days(10), age=30.0, country="de"),
            customer("bob", AS_OF - days(40)),
        ],
        [event("ann", "buy", AS_OF - days(1)), alive(AS_OF - days(4))],
    )
    build(home, moments_days=(1, 3, 7), as_of=AS_OF)
    build_segments(home, as_of=AS_OF)
    return home


@pytest.fixture(scope="module")
def ann(home: Home) -> CustomerSegments:
    return customer_segments(home, "ann")


def test_each_condition_is_told_with_its_value(ann: CustomerSegments) -> None:
    """Met or not, and by which value; a missing one too."""
    buyers, quiet = ann.segments
    assert (buyers.label, buyers.member) == ("Buyers", True)
    assert buyers.reasons == (
        Reason(condition="buy happened within last 14 days", feature="days_since_last_buy",
               value=1.0, met=True),
        Reason(condition="age >= 40", feature="profile_age", value=30.0, met=False),
        Reason(condition="country = 'de'", feature="profile_country", value="de", met=True),
    )  # fmt: skip
    assert quiet.member
    (reason,) = quiet.reasons
    assert (reason.value, reason.met) == (None, False)


def test_the_stage_is_told_with_those_before_it(ann: CustomerSegments, home: Home) -> None:
    """Why not the earlier stages; the last one needs no reason."""
    assert [(one.name, one.member) for one in ann.stage] == [("new", False), ("active", True)]
    bob = customer_segments(home, "bob")
    assert [one.name for one in bob.stage] == ["new", "active", "gone"]
    assert bob.stage[-1].reasons == ()
    assert ann.classes == {"lifecycle_stage": "active"}
    assert ann.scores == ()


def test_it_is_told_when_the_features_are_old(home: Home, ann: CustomerSegments) -> None:
    """Segments of long ago are shown, and called so."""
    assert (ann.moment, ann.stale) == (AS_OF, False)
    later = AS_OF + days(9)
    build_segments(home, as_of=later)
    assert customer_segments(home, "ann").stale


def test_an_unknown_customer_gets_the_nearest_ids(home: Home) -> None:
    """A slip in an id is told with those that are written alike; quotes do no harm."""
    with pytest.raises(UsageError, match=r"No features of a customer 'anne'.*nearest ids are ann,"):
        customer_segments(home, "anne")
    with pytest.raises(UsageError, match="No features of a customer"):
        customer_segments(home, "'; DROP TABLE x")


def test_a_home_without_features_knows_nobody(tmp_path: Path) -> None:
    """Nothing is built: the answer is the same sentence."""
    with pytest.raises(UsageError, match="nearest ids are none"):
        customer_segments(settle(tmp_path / "home"), "ann")
