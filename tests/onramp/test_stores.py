"""The profile on real servers, as it is used: by the command, its variables and its errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from feature_repo.ready import ready
from features import store
from features.moments import moments
from features.servers import variables
from lifecycle.errors import NotReady
from lifecycle.home import Home
from onramp.cli import run
from onramp.refresh import refresh
from tasks import supported
from tests.features.canonical import AS_OF, START, alive, days, fill, random_log, settle
from tests.postgres import Env, connect, fresh_database, postgres_server
from tests.servers import redis_server
from tests.stores import PROFILE


@pytest.fixture(scope="module")
def servers() -> Iterator[Env]:
    with postgres_server() as postgres, redis_server() as redis:
        yield {**fresh_database(postgres, "onramp"), "REDIS_CONNECTION": f"{redis},db=3"}


@pytest.fixture
def env(servers: Env, monkeypatch: pytest.MonkeyPatch) -> Env:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    return servers


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a log, nothing computed."""
    made = replace(settle(tmp_path / "home"), stores=PROFILE)
    people, events = random_log(seed=4, customers=12)
    fill(made, people, [*events, *(alive(START + days(n)) for n in range(76))])
    return made


def onramp(home: Home, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("onramp")), *words, "--home", str(home.root)],
        env={**os.environ, "ONRAMP_STORES": str(PROFILE), **settings},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_command_brings_features_to_the_servers(home: Home, env: Env) -> None:
    """`onramp features` with ONRAMP_STORES: what training and serving then read lies on servers."""
    done = onramp(home, "features", "build", "--as-of", AS_OF.isoformat(), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    tables = report["warehouse"]["tables"]
    assert {"customer_behaviour", "customer_profile"} <= {name.rsplit("_", 1)[0] for name in tables}
    with connect(env) as db:
        for name, rows in tables.items():
            assert db.execute(f'SELECT count(*) FROM "{name}"').fetchone() == (rows,)
        assert db.execute("SELECT count(*) FROM feature_services").fetchone() >= (2,)
    assert not (home.feast / "registry.db").exists()
    assert not (home.feast / "online.db").exists()
    asked = moments(home, supported(home.dataset())["churn"], AS_OF)
    offline = store.historical(home, "churn", asked)
    assert offline["events_7d"].null_count == 0
    rows = store.online(home, "churn", [f"c{n:03d} ü" for n in range(12)], now=AS_OF)
    assert "found" in {row.status for row in rows}
    for path in home.feast.rglob("*"):
        assert not path.is_file() or env["PGPASSWORD"].encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PGPORT", "1", "PostgreSQL does not answer.*port 1 failed"),
        ("PGPASSWORD", "wrong horse", "PostgreSQL does not answer.*authentication failed"),
        ("REDIS_CONNECTION", "127.0.0.1:1,password=wrong horse", "Redis does not answer.*refused"),
        ("PGUSER", "", "variables that are not set. Missing: PGUSER"),
    ],
)
def test_a_server_that_is_not_there_is_said_before_the_work(
    home: Home, env: Env, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """One sentence with what to do and no secret, and no feature computed in vain."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotReady, match=said) as down:
        refresh(home, as_of=AS_OF)
    assert "README.md says which variables" in down.value.do
    assert "wrong horse" not in str(down.value)
    assert env["PGPASSWORD"] not in str(down.value)
    assert not home.features.exists()


@pytest.mark.usefixtures("env")
def test_the_command_ends_in_one_sentence(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4 and the sentence on its own."""
    monkeypatch.setenv("ONRAMP_STORES", str(PROFILE))
    monkeypatch.setenv("PGPORT", "1")
    assert run(["features", "build", "--home", str(home.root)]) == NotReady.exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: PostgreSQL does not answer.")


@pytest.mark.usefixtures("env")
def test_everything_answers(home: Home) -> None:
    """With all of it in place, readiness says nothing; and without servers there is none to ask."""
    ready(home)
    ready(replace(home, stores=None))


def test_the_profile_asks_for_no_password() -> None:
    """PostgreSQL's client library has it from the environment; the configuration never does."""
    assert variables(PROFILE) == ("PGDATABASE", "PGHOST", "PGPORT", "PGUSER", "REDIS_CONNECTION")
