"""The profile mlflow-postgres: Onramp, unchanged, on an MLflow server with passwords."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from lifecycle.gate import AtLeast, Gate
from lifecycle.home import Home, open_home
from lifecycle.ledger import Ledger
from lifecycle.registry import Registry
from lifecycle.repeats import load
from tests.mlflow_server import ADMIN, ADMIN_PASSWORD, PROFILE, Server, mlflow_server
from tests.postgres import fresh_database, postgres_server
from tests.receiving import Inbox, receiving
from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget
from training.promotion.card import try_to_publish
from training.promotion.doctor.examine import doctor
from training.promotion.promote import promote_on
from training.promotion.rollback import rollback
from training.run import train_on

USER, PASSWORD = "onramp", "onramp's own p@ss:w/rd"
WEBHOOK_SECRET = "k3y of the webhook's receiver"  # noqa: S105 - made up
LENIENT = replace(
    CHURN, gate=Gate(rules=(AtLeast("roc_auc", 0.4),), least_rows=50, least_positives=10)
)
QUIET = ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
FRAME = make_frame(customers=300, signal=3.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL, MLflow on it, and a user for Onramp who is no administrator."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    with (
        postgres_server() as database,
        mlflow_server(fresh_database(database, "mlflow"), folder) as made,
    ):
        done = httpx.post(
            f"{made.url}/api/2.0/mlflow/users/create", auth=(ADMIN, ADMIN_PASSWORD),
            json={"username": USER, "password": PASSWORD}, timeout=120, trust_env=False,
        )  # fmt: skip
        assert done.status_code == 200, done.text
        yield made


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving(WEBHOOK_SECRET) as made:
        yield made


def as_user(env: pytest.MonkeyPatch, name: str, password: str) -> None:
    """As a user of MLflow says who it is."""
    env.setenv("MLFLOW_TRACKING_USERNAME", name)
    env.setenv("MLFLOW_TRACKING_PASSWORD", password)


def test_a_version_is_trained_promoted_and_announced(
    server: Server,
    inbox: Inbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing but the address and the user is another; the server itself tells of each alias."""
    monkeypatch.setenv(*QUIET)
    as_user(monkeypatch, ADMIN, ADMIN_PASSWORD)
    events = ["model_version_alias.created", "model_version_alias.deleted"]
    MlflowClient(server.url, server.url).create_webhook(
        "aliases", inbox.url, events, secret=WEBHOOK_SECRET
    )

    as_user(monkeypatch, USER, PASSWORD)
    home = open_home(tmp_path / "home", server.url)
    trained = train_on(home, CHURN, make_set(FRAME), Budget(trials=1, report=False))
    assert (trained.version, trained.notes) == (1, ())
    report = promote_on(home, LENIENT, lambda: FRAME, version=1, actor="tester")
    assert (report.decision, report.changed) == ("promote", True)

    got = inbox.wait(3, seconds=120)
    assert all(one.genuine for one in got)
    assert sorted((one.moved for one in got), key=str) == sorted(
        [("created", "challenger", "1"), ("created", "champion", "1"),
         ("deleted", "challenger", None)], key=str,
    )  # fmt: skip
    registry = Registry(home)
    champion = registry.champion("churn")
    assert champion.aliases == ("champion",)
    assert champion.tags["verdict"] == "promote"
    assert try_to_publish(home, LENIENT, champion) == ""  # as `promote` does after the verdict
    described = registry.client.get_model_version("churn", "1").description
    assert "**Verdict:** Promote" in described
    assert "card.html" in {one.path for one in registry.client.list_artifacts(champion.run_id)}
    assert load(registry, champion).scorer.kind == "binary"
    assert [row.decision for row in Ledger(home).read("churn")] == ["promote"]
    nothing_is_told(server, home)
    there_and_back(home)
    assert capsys.readouterr().out == ""


def there_and_back(home: Home) -> None:
    """A second champion, a rollback, and a doctor who finds nothing: as on the embedded store."""
    second = train_on(home, CHURN, make_set(FRAME), Budget(trials=1, report=False))
    assert promote_on(home, LENIENT, lambda: FRAME, version=second.version, actor="tester").changed
    back = rollback(home, "churn", actor="tester")
    assert (back.version, back.previous) == (1, 2)
    assert Registry(home).aliases("churn") == {"champion": 1, "previous": 2}
    assert doctor(home, ("churn",), mend=False, actor="tester").left == ()


def test_a_command_prints_nothing_of_mlflows() -> None:
    """Whoever imports Onramp has the switch that the test above sets by hand."""
    script = f"import lifecycle, os; print(os.environ[{QUIET[0]!r}])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROFILE.parents[1], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == QUIET[1]


def nothing_is_told(server: Server, home: Home) -> None:
    """No password and no secret in the server's log, nor in anything that Onramp keeps."""
    kept = [path for path in home.root.rglob("*") if path.is_file()]
    assert kept
    for path in (server.log, *kept):
        found = path.read_bytes()
        secrets = (*server.secrets, PASSWORD, WEBHOOK_SECRET)
        assert [secret for secret in secrets if secret.encode() in found] == [], path


def test_a_wrong_password_reaches_nothing_and_is_not_shown(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, by an error that does not repeat it."""
    as_user(monkeypatch, USER, "quite another w0rd")
    with pytest.raises(MlflowException) as caught:
        Registry(open_home(tmp_path / "home", server.url)).versions("churn")
    assert "401" in str(caught.value)
    assert "quite another w0rd" not in str(caught.value)


def test_the_profile_is_of_one_piece() -> None:
    """Script, unit, settings and manual name the same things, and no secret is filled in."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in PROFILE.iterdir()}
    names = re.findall(r"^([A-Z][A-Z_]+)=(.*)$", texts[".env.example"], re.MULTILINE)
    told = dict(names)
    required = re.search(r"for name in (.*?)\ndo", texts["serve.sh"], re.DOTALL)
    assert required
    assert set(required[1].replace("\\", "").split()) <= told.keys()
    assert [name for name in told if f"`{name}`" not in texts["README.md"]] == []
    secrets = [name for name in told if re.search("PASSWORD|KEY", name)]
    assert secrets
    assert [name for name in secrets if told[name]] == []
    config = configparser.ConfigParser()
    config.read_string(texts["basic_auth.ini"])
    assert config["mlflow"]["database_uri"] == "postgresql+psycopg:///"
    assert "EnvironmentFile=" in texts["mlflow.service"]
    assert "deploy/mlflow-postgres/serve.sh" in texts["mlflow.service"]


def test_the_script_is_sound_and_says_what_it_lacks() -> None:
    """Bash reads it; a setting that is not there is named, before anything starts."""
    script = PROFILE / "serve.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    if (shellcheck := shutil.which("shellcheck")) is not None:  # where it is installed
        subprocess.run([shellcheck, script], check=True)
    done = subprocess.run(
        [script], env={"PATH": os.environ["PATH"], "PGDATABASE": "mlflow"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("PGUSER is not set.")
