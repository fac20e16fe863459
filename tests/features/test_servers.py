"""What a server's trouble is called, without a secret."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from feast.repo_config import load_repo_config

from features.servers import reachable, variables
from lifecycle.errors import DataError, NotReady


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "stores.yaml"
    path.write_text("# ${NOBODY} asks in a comment\nhost: '${A_HOST}'\nonline: $AN_ADDRESS\n")
    return path


@pytest.fixture
def _filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_HOST", "db")
    monkeypatch.setenv("AN_ADDRESS", "cache:6379,password=correct horse,ssl=true")


def test_variables_are_those_that_feast_fills_in(config: Path) -> None:
    """Both ways to write one, and none out of a comment."""
    assert variables(config) == ("AN_ADDRESS", "A_HOST")


def test_a_missing_variable_is_named_before_the_block(config: Path) -> None:
    """Also one that is there and empty."""
    missing = pytest.raises(NotReady, match=r"not set. Missing: AN_ADDRESS, A_HOST. Set them")
    with missing, reachable(config):
        pytest.fail("the block must not run")


@pytest.mark.usefixtures("_filled")
def test_an_error_below_another_is_found_and_its_secrets_are_not(config: Path) -> None:
    """SQLAlchemy wraps the driver's error; the address' password is left out of both."""
    orig = psycopg.OperationalError("no route to it with correct horse")
    with pytest.raises(NotReady) as found, reachable(config):
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, orig)
    assert found.value.what == "PostgreSQL does not answer."
    assert found.value.found == "no route to it with …"
    assert found.value.__cause__ is None


@pytest.mark.usefixtures("_filled")
def test_a_client_that_is_not_installed_says_how(config: Path) -> None:
    """The profile's libraries come with an extra."""
    absent = pytest.raises(NotReady, match=r"client of Redis is not installed.*install 'onramp\[")
    with absent, reachable(config):
        import redis.no_such_module  # noqa: F401, PLC0415 - the claim


@pytest.mark.usefixtures("_filled")
def test_what_is_none_of_a_servers_passes(config: Path) -> None:
    """Our own errors, and those of anything else, are not taken for a server's."""
    with pytest.raises(DataError, match="a moment"), reachable(config):
        raise DataError("a moment")
    with pytest.raises(ZeroDivisionError), reachable(config):
        raise ZeroDivisionError


LONG = "it's-my-very-long-" + "-".join(f"word{n:02d}" for n in range(30))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("project: shop\nonline_store: '${A_HOST}'\n", r"ParserError, line 2, column \d+"),
        ("project: shop\nregistry: $A_HOST: x\n", r"ScannerError, line 2, column \d+"),
        ("project: shop\nbatch_engine: 7\nentity_key_serialization_version: ${A_HOST}\n",
         "FeastConfigError"),
    ],
)  # fmt: skip
def test_a_value_that_breaks_the_configuration_is_not_shown(
    text: str, kind: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML's error would print a piece of the line, and Feast's one of the value."""
    config.write_text(text)
    monkeypatch.setenv("A_HOST", f"cache:6379,password={LONG}")
    unreadable = pytest.raises(NotReady, match=rf"as its variables fill it in. {kind}\. Correct")
    with unreadable as found, reachable(config):
        load_repo_config(config.parent, config)
    assert not [n for n in range(len(LONG) - 6) if LONG[n : n + 6] in str(found.value)]
