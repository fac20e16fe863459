"""Parts come to PostgreSQL once, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo import postgres as loader
from feature_repo.warehouse import drop_others, load
from features.feature import Feature, Tenure
from features.tables import Table, tables, write_part
from lifecycle.errors import DataError, NotReady, Unsupported
from lifecycle.home import Home
from tests.features.canonical import START, days, settle
from tests.postgres import Env, connect, fresh_database, postgres_server
from tests.stores import PROFILE


@pytest.fixture(scope="module")
def server() -> Iterator[Env]:
    with postgres_server() as env:
        yield env


@pytest.fixture
def env(server: Env, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Env:
    """A new database, named by the variables."""
    made = {**fresh_database(server, request.node.name), "REDIS_CONNECTION": "127.0.0.1:1"}
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return replace(settle(tmp_path / "home"), stores=PROFILE)


def part_of(table: Table, ids: list[str], **columns: Any) -> pa.Table:
    """Rows of one view: everything missing but the keys and what is named."""
    n = len(ids)
    moments = [START + days(1) + timedelta(microseconds=7)] * n
    known = {"customer_id": ids, "event_timestamp": moments, "created_at": moments, **columns}
    return pa.table(
        {f.name: pa.array(known.get(f.name, [None] * n), f.type) for f in table.schema},
        schema=table.schema,
    )


def write(home: Home, name: str, ids: list[str], **columns: Any) -> None:
    """The same part of both views."""
    for table in tables(home, home.dataset()):
        table.folder.mkdir(parents=True, exist_ok=True)
        own = {key: value for key, value in columns.items() if key in table.schema.names}
        pq.write_table(part_of(table, ids, **own), table.folder / name)


def rows(env: Env, query: str) -> list[tuple[Any, ...]]:
    with connect(env) as db:
        return db.execute(query).fetchall()


def behaviour(home: Home) -> str:
    return loader.name_of(tables(home, home.dataset())[0])


def test_the_embedded_store_needs_no_warehouse(tmp_path: Path) -> None:
    """Parquet parts are read where they lie: nothing is loaded, and nothing is said."""
    report = load(settle(tmp_path / "home"))
    assert (report.parts, report.rows, report.lines()) == (0, 0, [])
    assert drop_others(settle(tmp_path / "home"), ()) == ()


def test_what_is_stored_is_what_was_built(home: Home, env: Env) -> None:
    """Microseconds, extremes, signs and words come back bit by bit; a gap stays a gap."""
    numbers = [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), None]
    words = ["", "NULL", 'a "b"\n\\N,c', "日本 ü", "é", None]
    ids = [f"c{n} ü" for n in range(6)]
    write(home, "one.parquet", ids, events_7d=numbers, profile_country=words)
    assert load(home).rows == 12
    profile = loader.name_of(tables(home, home.dataset())[1])
    found = rows(
        env,
        f'SELECT customer_id, event_timestamp, events_7d, profile_country FROM "{behaviour(home)}"'
        f' JOIN "{profile}" USING (customer_id, event_timestamp, created_at) ORDER BY customer_id',
    )
    moment = START + days(1) + timedelta(microseconds=7)
    assert [row[:2] for row in found] == [(name, moment) for name in ids]
    assert [repr(row[2]) for row in found] == [repr(number) for number in numbers]
    assert [row[3] for row in found] == words


def test_a_part_comes_once(home: Home, env: Env) -> None:
    """A second load brings only what is new; rows cut into other parts are the same rows."""
    write(home, "one.parquet", ["a", "b"])
    assert (load(home).parts, load(home).parts) == (2, 0)
    write(home, "two.parquet", ["c"])
    assert load(home).rows == 2
    for table in tables(home, home.dataset()):
        (table.folder / "one.parquet").unlink()
    write(home, "all.parquet", ["a", "b", "c", "d"])
    assert load(home).rows == 2
    assert rows(env, f'SELECT count(*) FROM "{behaviour(home)}"') == [(4,)]


def test_a_part_that_is_written_anew_makes_the_table_anew(home: Home, env: Env) -> None:
    """Rows that a check has set aside leave PostgreSQL too, together with their part's note."""
    write(home, "one.parquet", ["a", "b", "broken"])
    write(home, "two.parquet", ["c"])
    load(home)
    table = tables(home, home.dataset())[0]
    part = table.folder / "one.parquet"
    whole = pq.ParquetFile(part).read()
    write_part(whole.slice(0, 2), part)
    report = load(home)
    assert (report.parts, report.rows) == (2, 3)
    assert report.tables[behaviour(home)] == 3
    assert rows(env, f'SELECT customer_id FROM "{behaviour(home)}" ORDER BY 1') == [
        ("a",), ("b",), ("c",),
    ]  # fmt: skip
    assert load(home).parts == 0


def test_a_reload_that_stops_leaves_the_old_rows(home: Home, env: Env) -> None:
    """Emptied and filled is one step: half a table is never there."""
    write(home, "one.parquet", ["a", "broken"])
    write(home, "two.parquet", ["c"])
    load(home)
    table = tables(home, home.dataset())[0]
    write_part(part_of(table, ["a"]), table.folder / "one.parquet")
    write_part(part_of(table, ["c\x00"]), table.folder / "two.parquet")
    with pytest.raises(DataError, match=r"two.parquet holds text that PostgreSQL cannot"):
        load(home)
    assert rows(env, f'SELECT count(*) FROM "{behaviour(home)}"') == [(3,)]
    write_part(part_of(table, ["c"]), table.folder / "two.parquet")
    assert load(home).rows == 2


def test_notes_without_a_stamp_are_taken_for_older(home: Home, env: Env) -> None:
    """A database that was filled before notes had stamps is filled anew, once."""
    write(home, "one.parquet", ["a"])
    load(home)
    with connect(env) as db:
        db.execute("UPDATE onramp_parts SET part = split_part(part, ' ', 1)")
    assert (load(home).rows, load(home).rows) == (2, 0)


def cut_off(home: Home, env: Env, table: Table) -> None:
    """Lose the connection when all of a part has been sent and nothing was committed."""
    with loader.connected(home) as db:
        loader.create(db, table)
        with db.transaction():
            assert loader.load_part(db, table, table.parts()[0]) == 50
            rows(env, f"SELECT pg_terminate_backend({db.info.backend_pid})")


def test_a_part_is_wholly_in_or_wholly_out(home: Home, env: Env) -> None:
    """Cut off between the last row and the commit, nothing of the part is there; then all is."""
    write(home, "one.parquet", [f"c{n}" for n in range(50)])
    table = tables(home, home.dataset())[0]
    with pytest.raises(NotReady, match="PostgreSQL does not answer"):
        cut_off(home, env, table)
    assert rows(env, f'SELECT count(*) FROM "{table.view}_{table.folder.name}"') == [(0,)]
    assert rows(env, "SELECT count(*) FROM onramp_parts") == [(0,)]
    assert load(home).rows == 100


def test_two_loads_at_once_bring_each_part_once(home: Home, env: Env) -> None:
    """Two loaders share the work; between them every row comes in, and once."""
    for n in range(6):
        write(home, f"{n}.parquet", [f"c{n} {k}" for k in range(200)])
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(load, [home, home]))
    assert sum(report.rows for report in reports) == 2 * 6 * 200
    assert rows(env, "SELECT count(*), sum(rows) FROM onramp_parts") == [(12, 2400)]
    assert rows(env, f'SELECT count(*) FROM "{behaviour(home)}"') == [(1200,)]


def test_text_that_postgres_cannot_hold_is_named(home: Home, env: Env) -> None:
    """A NUL in a word stops the part, with the part's name and what to do."""
    write(home, "one.parquet", ["a\x00b"])
    with pytest.raises(DataError, match=r"one.parquet holds text that PostgreSQL cannot.*Clean"):
        load(home)
    assert rows(env, "SELECT count(*) FROM onramp_parts") == [(0,)]


@pytest.mark.usefixtures("env")
def test_a_name_that_postgres_would_cut_is_refused(home: Home) -> None:
    """Two names that are the same for 63 bytes would be one column."""
    table = tables(home, home.dataset())[0]
    long = Feature(
        name="x" * 64, view=table.view, type="number", aggregate=Tenure(), window_days=None,
        meaning="long", unit="days",
    )  # fmt: skip
    with (
        pytest.raises(Unsupported, match=r"cuts names after 63 bytes.*x{64}.*Rename"),
        loader.connected(home) as db,
    ):
        loader.create(db, replace(table, features=(*table.features, long)))


def test_tables_of_other_definitions_go(home: Home, env: Env) -> None:
    """What is not kept is dropped with its notes; a table that is not ours stays."""
    write(home, "one.parquet", ["a"])
    load(home)
    with connect(env) as db:
        db.execute("CREATE TABLE theirs (one int)")
    first, second = tables(home, home.dataset())
    assert drop_others(home, [second]) == (loader.name_of(first),)
    left = rows(env, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    assert [name for (name,) in left] == sorted([loader.name_of(second), "onramp_parts", "theirs"])
    assert load(home).rows == 1


def test_a_server_that_is_down_is_said_without_the_password(
    home: Home, env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the server, its address and what to do; never the secret."""
    write(home, "one.parquet", ["a"])
    monkeypatch.setenv("PGPORT", "1")
    with pytest.raises(
        NotReady, match=r"PostgreSQL does not answer.*port 1 failed.*Start it"
    ) as no:
        load(home)
    assert env["PGPASSWORD"] not in f"{no.value} {no.value.__cause__}"
    monkeypatch.setenv("PGPORT", env["PGPORT"])
    monkeypatch.setenv("PGPASSWORD", "wrong-horse")
    with pytest.raises(NotReady, match="password authentication failed") as no:
        load(home)
    assert "wrong-horse" not in str(no.value)


@pytest.mark.usefixtures("env")
def test_a_variable_that_is_missing_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Feast would take the word `${PGHOST}` for a host."""
    write(home, "one.parquet", ["a"])
    monkeypatch.delenv("PGHOST")
    monkeypatch.delenv("REDIS_CONNECTION")
    with pytest.raises(NotReady, match=r"not set. Missing: PGHOST, REDIS_CONNECTION. Set them"):
        load(home)
