"""The canary: what turns the build red when a feature looks ahead, and the proof that it would."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.build import BuildReport
from features.leakage import LeakReport, find_leaks
from features.sql import KNOWN
from features.tables import Table, tables
from lifecycle.dataset import Column
from lifecycle.errors import NotReady
from lifecycle.home import Home
from tests.features.canonical import AS_OF, START, customer, days, event, fill, settle

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (ROOT / "datasets").glob("*.toml"))

PEEKS = {
    "one second": KNOWN.replace("m.moment", "m.moment + INTERVAL 1 SECOND"),
    "one microsecond": KNOWN.replace("m.moment", "m.moment + INTERVAL 1 MICROSECOND"),
    "received later": "e.occurred_at <= m.moment",
    "happened later": "e.occurred_at <= m.moment + INTERVAL 1 SECOND",
}  # fmt: skip


def value(dice: random.Random, column: Column) -> Any:
    kinds = {
        "number": dice.random(), "category": dice.choice(["a", "é"]), "boolean": dice.random() < 0.5
    }  # fmt: skip
    return dice.choice([kinds[column.type], None])


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home by the words and columns of a shipped data set, with a random log in them."""
    path = ROOT / "datasets" / f"{request.param}.toml"
    home = settle(tmp_path_factory.mktemp(request.param), path.read_text(encoding="utf-8"))
    dataset, dice = home.dataset(), random.Random(0)  # noqa: S311 - dice, no secret
    people, happened = [], []
    for n in range(25):
        born = START + days(dice.random() * 30)
        people.append(customer(f"c{n}", born, **drawn(dice, dataset.profile)))
        for _ in range(12):
            when = born + days(dice.random() * 30)
            word = dice.choice(dataset.vocabulary.events)
            happened.append(event(f"c{n}", word, when, **drawn(dice, dataset.properties)))
    fill(home, people, happened)
    return home


def drawn(dice: random.Random, columns: dict[str, Column]) -> dict[str, Any]:
    return {name: value(dice, column) for name, column in columns.items()}


def planted(home: Home, view: int, dishonest: str, honest: str = KNOWN) -> Table:
    """A view of the home whose SQL looks ahead."""
    table = tables(home, home.dataset())[view]
    assert honest in table.sql
    return replace(table, sql=table.sql.replace(honest, dishonest))


def gate(report: LeakReport) -> None:
    """What the build stands or falls by."""
    assert not report, "\n".join(report.lines())


def test_no_feature_of_a_shipped_data_set_looks_ahead(shipped: Home) -> None:
    """With a future planted behind every moment, no feature of the catalogue differs."""
    report = find_leaks(shipped, as_of=AS_OF, customers=25)
    gate(report)
    assert report.moments == 25
    assert report.features == sum(
        len(table.features) for table in tables(shipped, shipped.dataset())
    )


def test_every_feature_of_a_shipped_data_set_is_watched(shipped: Home) -> None:
    """Were its view to peek a second ahead, each single feature of events would be named."""
    table = planted(shipped, 0, PEEKS["one second"])
    report = find_leaks(shipped, as_of=AS_OF, customers=25, views=[table])
    assert {leak.feature for leak in report} == {feature.name for feature in table.features}


@pytest.mark.parametrize("peek", PEEKS)
def test_a_planted_peek_turns_the_build_red(peek: str, built: tuple[Home, BuildReport]) -> None:
    """A second ahead, the least that there is, or late data: the gate fails and names them all."""
    table = planted(built[0], 0, PEEKS[peek])
    report = find_leaks(built[0], as_of=AS_OF, customers=60, views=[table])
    with pytest.raises(AssertionError, match="features look ahead"):
        gate(report)
    assert {leak.feature for leak in report} == {feature.name for feature in table.features}


def test_a_profile_from_the_future_turns_the_build_red(built: tuple[Home, BuildReport]) -> None:
    """Taking the newest version of a profile instead of the known one is found; age is no leak."""
    table = planted(built[0], 1, "", " AND e.received_at <= m.moment")
    report = find_leaks(built[0], as_of=AS_OF, customers=60, views=[table])
    with pytest.raises(AssertionError, match=r"profile_country: \d+ moments differ; of c\d+ ü"):
        gate(report)
    assert {leak.feature for leak in report} == {
        "profile_country", "profile_age", "profile_newsletter"
    }  # fmt: skip


def test_the_report_says_what_was_watched(built: tuple[Home, BuildReport]) -> None:
    """Finding nothing says how many features at how many moments were held against a future."""
    report = find_leaks(built[0], as_of=AS_OF, customers=20)
    assert report.lines() == [
        "No feature looks ahead (65 features at 20 moments with a planted future)."
    ]


def test_nothing_to_look_at_is_no_proof(home: Home) -> None:
    """Without a moment nothing can be told, and that is an error."""
    fill(home, [customer("a", START)], [])
    with pytest.raises(NotReady, match=r"cannot be told\. No moment is due in"):
        find_leaks(home, as_of=START - days(1))
