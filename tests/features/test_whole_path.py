"""From events to answers, whole: what is built is what is trained on, and what is served."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.apply import apply
from features import store
from features.build import build
from features.tables import tables
from lifecycle.home import Home
from tests.features.canonical import AS_OF, DAYS, START, Row, alive, days, fill, random_log, settle

MIDDLE = START + days(45)


@contextmanager
def new_home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory() as folder:
        home = settle(Path(folder) / "home")
        yield home
        store.forget_store(home)


def take_in(home: Home, people: list[Row], happened: list[Row], *, late: bool) -> None:
    """What was received by the middle, or what came after it."""
    chosen = [[row for row in rows if (row["received_at"] > MIDDLE) == late]
              for rows in (people, happened)]  # fmt: skip
    fill(home, *chosen)


def bring_up(home: Home, as_of: Any) -> None:
    build(home, moments_days=DAYS, as_of=as_of)
    apply(home)


def stored(home: Home) -> pa.Table:
    """Every row that was built, both views side by side."""
    one, other = (pq.read_table(table.folder) for table in tables(home, home.dataset()))
    keys = ["customer_id", "event_timestamp"]
    return one.join(other.drop(["created_at"]), keys, join_type="full outer")


def asked(rows: pa.Table, seed: int) -> pd.DataFrame:
    """The moments of the rows, shuffled."""
    keys = rows.select(["customer_id", "event_timestamp"]).to_pandas()
    return keys.sample(frac=1, random_state=seed, ignore_index=True)


def by_moment(rows: pa.Table, names: tuple[str, ...]) -> dict[tuple[Any, ...], list[Any]]:
    return {
        (row["customer_id"], row["event_timestamp"]): [row[name] for name in names]
        for row in rows.to_pylist()
    }


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**31))
def test_what_is_built_is_what_is_trained_on_and_served(seed: int) -> None:
    """Each moment comes back as built, for ever, and the online row is the training row.

    Ties, twins, late rows, gaps and new profiles are in the log; half of it is received after the
    first training set was made.
    """
    people, happened = random_log(seed, customers=12)
    happened += [alive(START + days(n)) for n in range(76)]
    with new_home() as home:
        take_in(home, people, happened, late=False)
        bring_up(home, MIDDLE)
        names = store.service_features(home, "churn")
        early = stored(home)
        before = store.historical(home, "churn", asked(early, seed))
        assert by_moment(before, names) == by_moment(early, names)

        take_in(home, people, happened, late=True)
        bring_up(home, AS_OF)
        assert store.historical(home, "churn", asked(early, seed)).equals(before)
        rows = stored(home)
        assert rows.num_rows > early.num_rows > 0
        trained_on = by_moment(store.historical(home, "churn", asked(rows, seed)), names)
        assert trained_on == by_moment(rows, names)

        store.materialize(home, AS_OF)
        served = store.online(home, "churn", sorted({who for who, _ in trained_on}), now=AS_OF)
        found = [row for row in served if row.status == "found"]
        assert found
        for row in found:
            values = [dict(row.values)[name] for name in names]
            assert values == trained_on[row.customer_id, row.event_timestamp]
