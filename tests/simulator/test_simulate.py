"""The simulated log repeats, grows without rewriting its past, and says what is true of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ingestion import ingest
from lifecycle.errors import DataError, UnknownName, UsageError
from lifecycle.event_store import EventStore
from lifecycle.home import open_home
from simulator import Drift, simulate
from simulator.simulate import START

ROOT = Path(__file__).resolve().parents[2]
CUSTOMERS, DAYS, MORE = 1000, 40, 30
SINCE = START + timedelta(days=DAYS)
AFTER = DAYS + 13
"""Who signs up before this day is seen for 17 days."""


def files(out: Path, folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / folder).glob("*.parquet"))}


def query(out: Path, sql: str):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("events", "customers"):
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{out}/{name}/*.parquet')"
            )
        for name in ("customers", "planted"):
            connection.execute(
                f"CREATE VIEW true_{name} AS"
                f" SELECT * FROM read_parquet('{out}/truth/{name}.parquet')"
            )
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    out = tmp_path_factory.mktemp("history")
    return out, simulate(out, customers=CUSTOMERS, seed=7, days=DAYS)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory):
    """Each kind of drift, a larger population, and none of them."""
    made = {}
    for kind in ("none", "covariate", "prior", "concept", "broken"):
        out = tmp_path_factory.mktemp(kind)
        drift = () if kind == "none" else (Drift(kind, SINCE),)
        simulate(out, customers=2400, seed=3, days=DAYS, more_days=MORE, drift=drift)
        made[kind] = out
    return made


def test_the_same_seed_gives_the_same_bytes(history, tmp_path):
    """And another seed gives others."""
    out, report = history
    simulate(tmp_path / "same", customers=CUSTOMERS, seed=7, days=DAYS)
    simulate(tmp_path / "other", customers=CUSTOMERS, seed=8, days=DAYS)
    for folder in ("events", "customers", "truth"):
        assert files(out, folder) == files(tmp_path / "same", folder)
        assert files(out, folder) != files(tmp_path / "other", folder)
    assert report.customers == CUSTOMERS
    assert len(files(out, "events")) == DAYS


@pytest.mark.parametrize("kind", ["covariate", "prior", "concept", "broken", "blank"])
def test_going_on_with_a_drift_leaves_the_past_alone(kind, history, tmp_path):
    """Later days and a later change rewrite no file that was delivered."""
    out, _ = history
    for folder in ("events", "customers"):
        (tmp_path / folder).mkdir()
        for name, content in files(out, folder).items():
            (tmp_path / folder / name).write_bytes(content)
    report = simulate(
        tmp_path,
        customers=CUSTOMERS,
        seed=7,
        days=DAYS,
        more_days=MORE,
        drift=(Drift(kind, SINCE),),
    )
    assert report.files_unchanged == 2 * DAYS
    assert len(files(tmp_path, "events")) == DAYS + MORE
    again = simulate(
        tmp_path,
        customers=CUSTOMERS,
        seed=7,
        days=DAYS,
        more_days=MORE,
        drift=(Drift(kind, SINCE),),
    )
    assert again.files_written == 0


def test_a_drift_that_would_rewrite_the_past_is_refused(history):
    """What was delivered was delivered."""
    out, _ = history
    before = files(out, "events")
    with pytest.raises(DataError, match=r"would change\. A simulation never rewrites a day"):
        simulate(out, customers=CUSTOMERS, seed=7, days=DAYS, drift=(Drift("broken", START),))
    assert files(out, "events") == before


def test_another_simulation_needs_another_folder(history):
    """Two worlds are never mixed."""
    out, _ = history
    with pytest.raises(DataError, match="holds another simulation"):
        simulate(out, customers=CUSTOMERS, seed=8, days=DAYS)


def test_senseless_numbers_are_refused(tmp_path):
    """With what was found."""
    with pytest.raises(UsageError, match=r"customers=0"):
        simulate(tmp_path, customers=0, seed=1)
    with pytest.raises(UnknownName, match=r"Did you mean 'concept'"):
        Drift("concpet", SINCE)  # type: ignore[arg-type]  # the misspelling is the point


def test_a_drop_holds_what_was_received_that_day(history):
    """Late and out-of-order events are in the drop of their receipt."""
    out, report = history
    for name in (f"{START.date() + timedelta(days=d)}" for d in (0, 17, DAYS - 1)):
        [(days, ordered, shuffled)] = query(
            out,
            f"""SELECT list_distinct(list(received_at::DATE::VARCHAR)),
                   bool_and(received_at >= before), bool_or(occurred_at < earlier)
            FROM (SELECT *, lag(received_at) OVER (ORDER BY rowid_) AS before,
                         lag(occurred_at) OVER (ORDER BY rowid_) AS earlier
                  FROM (SELECT *, file_row_number AS rowid_ FROM read_parquet(
                        '{out}/events/{name}.parquet', file_row_number = true)))""",
        )
        assert (days, ordered, shuffled) == ([name], True, True)
    assert report.planted["late"] > 0.01 * report.events
    assert query(out, "SELECT max(received_at - occurred_at) > INTERVAL 1 DAY FROM events") == [
        (True,)
    ]


def test_profiles_and_values_have_gaps(history):
    """As real ones do; upgrades come as later versions."""
    out, _ = history
    [(age, device, values)] = query(
        out,
        "SELECT avg((age IS NULL)::INT), avg((device IS NULL)::INT), (SELECT"
        " avg((value IS NULL)::INT) FROM events WHERE event = 'video_play') FROM customers",
    )
    assert 0.10 < age < 0.20
    assert 0 < device < 0.05
    assert 0.03 < values < 0.07
    [(versions, people)] = query(out, "SELECT count(*), count(DISTINCT customer_id) FROM customers")
    assert versions > people


def test_ingestion_finds_exactly_what_was_planted(history, tmp_path):
    """Each spoilt row is refused for its own reason, each duplicate once, nothing else."""
    out, report = history
    home = open_home(tmp_path)
    result = ingest(home, ROOT / "datasets" / "simulated.toml", out)
    planted = report.planted
    assert dict(result.reasons) == {
        "duplicate": planted["duplicate"],
        "unknown event": planted["unknown event"],
        "no customer_id": planted["no customer"],
        "no occurred_at": planted["no time"],
        "happened after it was received": planted["from the future"],
        "occurred_at before 1970-01-02": planted["before time"],
    }
    with EventStore(home).connect(home.dataset()) as connection:
        [(false_events,)] = connection.execute(
            "SELECT count(*) FROM events WHERE event_id LIKE 'x%'"
        ).fetchall()
    assert false_events == 0


def test_truth_is_about_the_same_customers_and_is_true(history):
    """Who left for good has no event after that; favourites are taken up most."""
    out, _ = history
    assert query(
        out, "SELECT count(*) FROM customers ANTI JOIN true_customers USING (customer_id)"
    ) == [(0,)]
    assert query(
        out,
        # A session may run past midnight.
        "SELECT count(*) FROM events JOIN true_customers USING (customer_id)"
        " WHERE occurred_at > leaves_at + INTERVAL 2 HOUR AND event_id LIKE 'e%'",
    ) == [(0,)]
    [(share,)] = query(
        out,
        """WITH taken AS (
            SELECT customer_id, split_part(item, '-', 1) AS content, count(*) AS n FROM events
            WHERE item IS NOT NULL AND event_id LIKE 'e%' GROUP BY 1, 2
            QUALIFY sum(n) OVER (PARTITION BY customer_id) >= 15
                AND row_number() OVER (PARTITION BY customer_id ORDER BY n DESC) = 1)
        SELECT avg((content = favourite)::INT)
        FROM taken JOIN true_customers USING (customer_id)""",
    )
    assert share > 0.8
    note = json.loads((out / "truth" / "simulation.json").read_text())
    assert note["seed"] == 7


def rates(out: Path, first: int, last: int):
    """Share with no event in days 3 to 17 after sign-up, by those active before; and ads share."""
    low, high = START + timedelta(days=first), START + timedelta(days=last)
    [(quiet, ads, engaged)] = query(
        out,
        f"""WITH people AS (SELECT customer_id, any_value(signed_up_at) AS since,
                any_value(channel) AS channel FROM customers GROUP BY 1),
        chosen AS (SELECT * FROM people WHERE since >= '{low}' AND since < '{high}'),
        seen AS (SELECT customer_id, since, channel,
            count(*) FILTER (occurred_at <= since + INTERVAL 3 DAY) AS early,
            count(*) FILTER (occurred_at > since + INTERVAL 3 DAY
                             AND occurred_at <= since + INTERVAL 17 DAY) AS later
            FROM chosen JOIN events USING (customer_id) WHERE event_id LIKE 'e%' GROUP BY ALL)
        SELECT avg((later = 0)::INT), avg((channel = 'ads')::INT),
               corr(early, (later = 0)::INT) FROM seen""",
    )
    return quiet, ads, engaged


def test_covariate_drift_changes_who_comes(worlds):
    """The mix of sign-ups moves at the date, not before."""
    before = rates(worlds["covariate"], 0, DAYS)[1]
    after = rates(worlds["covariate"], DAYS, AFTER)[1]
    assert after > before + 0.08


def test_prior_drift_raises_the_share_that_leaves(worlds):
    """More customers fall silent, with sign-ups as before."""
    calm, drifted = rates(worlds["none"], DAYS, AFTER), rates(worlds["prior"], DAYS, AFTER)
    assert drifted[0] > calm[0] + 0.08
    assert abs(drifted[1] - calm[1]) < 0.01


def test_concept_drift_turns_what_keeps_customers(worlds):
    """The same early behaviour now means another future; the base rate stays near."""
    calm = rates(worlds["none"], DAYS, AFTER)
    drifted = rates(worlds["concept"], DAYS, AFTER)
    assert calm[2] < -0.2
    assert drifted[2] > calm[2] + 0.12
    assert abs(drifted[0] - calm[0]) < 0.08


def test_a_broken_pipe_bends_rows_and_not_customers(worlds):
    """Values 100 times too large, no sessions, no page views; the truth is the same."""
    broken = query(
        worlds["broken"],
        f"""SELECT received_at >= '{SINCE}', median(value) FILTER (event = 'video_play'),
            avg((session_id IS NULL)::INT), count(*) FILTER (event = 'page_view') > 0
            FROM events GROUP BY 1 ORDER BY 1""",
    )
    (_, before, no_session_before, pages_before), (_, after, no_session, pages) = broken
    assert 80 < after / before < 120
    assert (no_session_before, pages_before, no_session, pages) == (0, True, 1, False)
    truth = "SELECT * FROM true_customers ORDER BY customer_id"
    assert query(worlds["broken"], truth) == query(worlds["none"], truth)


def test_start_may_be_any_day(tmp_path):
    """The first drop is that day's, in UTC."""
    report = simulate(
        tmp_path, customers=5, seed=0, days=3, start=datetime(2024, 2, 28, tzinfo=UTC)
    )
    assert sorted(files(tmp_path, "events")) == [
        "2024-02-28.parquet", "2024-02-29.parquet", "2024-03-01.parquet",
    ]  # fmt: skip
    assert np.isfinite(report.left)
