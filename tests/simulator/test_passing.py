"""A drift that ends leaves the world as it was; a feed that was mended sends again what it lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lifecycle.errors import UsageError
from onramp.verbs.simulate import parse
from simulator import Drift, simulate
from tests.simulator.test_simulate import DAYS, MORE, SINCE, files, query

UNTIL = SINCE + timedelta(days=10)
SPELL = f"received_at >= '{SINCE}' AND received_at < '{UNTIL}'"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Nothing, both feeds, or the customers are changed for ten days."""
    made = []
    for kinds in ((), ("broken", "blank"), ("concept",)):
        out = tmp_path_factory.mktemp("world")
        drift = tuple(Drift(kind, SINCE, UNTIL) for kind in kinds)
        simulate(out, customers=1000, seed=3, days=DAYS, more_days=MORE, drift=drift)
        made.append(out)
    return made


def test_a_blank_feed_is_sent_again_whole(worlds):
    """Profiles of the spell lack their plan, then come again with it; no other is touched."""
    calm, pipes, _ = worlds
    rows = "SELECT count(*), count(plan) FROM customers WHERE "
    [(sent, known)] = query(pipes, rows + SPELL)
    assert sent > 200
    assert known == 0
    assert query(pipes, f"{rows} NOT ({SPELL}) AND plan IS NULL") == [(0, 0)]
    last = """SELECT customer_id, signed_up_at, country, plan FROM customers
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY received_at DESC) = 1
        ORDER BY 1"""
    assert query(pipes, last) == query(calm, last)


def test_a_pipe_that_was_mended_carries_what_it_carried(worlds):
    """Events received after the spell are those of a world whose pipe never broke."""
    calm, pipes, _ = worlds
    after = f"SELECT * FROM events WHERE received_at >= '{UNTIL}' ORDER BY ALL"
    assert query(pipes, after) == query(calm, after) != []
    broken = f"SELECT count(session_id) FROM events WHERE {SPELL}"
    assert query(pipes, broken) == [(0,)]


def test_customers_after_a_drift_live_as_before_it(worlds):
    """Whoever signs up later has the hazards of a world without it; whoever was there has not."""
    calm, _, concept = worlds
    hazards = "SELECT customer_id, hazard_mean_30d FROM true_customers WHERE signed_up_at"
    later, during = (f"{hazards} {when} ORDER BY 1" for when in (f">= '{UNTIL}'", f"< '{UNTIL}'"))
    assert query(concept, later) == query(calm, later) != []
    assert query(concept, during) != query(calm, during)
    assert files(concept, "customers").keys() == files(calm, "customers").keys()


def test_an_end_is_written_behind_a_slash():
    """As ISO 8601 writes spans; one that ends before it begins is refused."""
    assert parse("concept@2026-09-01/2026-10-01") == Drift(
        "concept", *(parse(f"prior@2026-{month:02}-01").since for month in (9, 10))
    )
    assert parse("blank@2026-09-01").until is None
    with pytest.raises(UsageError, match="ends before it begins"):
        parse("concept@2026-09-01/2026-09-01")
