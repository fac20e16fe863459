"""Settings come from the environment, and none is silently ignored."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from pydantic import ValidationError

from lifecycle.errors import UnknownName
from lifecycle.home import RECEIPTS_DAYS
from lifecycle.settings import load_settings


def test_defaults() -> None:
    """With nothing set, everything is in ./.onramp, on this machine only, by this user."""
    settings = load_settings()
    assert (settings.home, settings.host) == (Path(".onramp"), "127.0.0.1")
    assert settings.stores is None
    assert settings.actor == getpass.getuser()
    assert settings.receipts_days == RECEIPTS_DAYS


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is read from its variable."""
    monkeypatch.setenv("ONRAMP_HOME", "/srv/onramp")
    monkeypatch.setenv("ONRAMP_PORT", "9000")
    monkeypatch.setenv("ONRAMP_ACTOR", "cron")
    monkeypatch.setenv("ONRAMP_STORES", "stores.yaml")
    settings = load_settings()
    assert settings.stores == Path("stores.yaml")
    assert (settings.home, settings.port, settings.actor) == (Path("/srv/onramp"), 9000, "cron")


@pytest.mark.parametrize("name", ["ONRAMP_HOEM", "onramp_hoem"])
def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A variable with our prefix that names no setting is an error that says which was meant."""
    monkeypatch.setenv(name, "/srv/onramp")
    with pytest.raises(UnknownName) as refused:
        load_settings()
    assert refused.value.do == ("Did you mean 'ONRAMP_HOME'?" if name.isupper() else "")
    assert "ONRAMP_HOME" in refused.value.found


def test_others_variables_are_none_of_our_business() -> None:
    """Only our own prefix is held to our names."""
    assert load_settings({"HOME": "/root", "ONRAMPART": "x"})


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once and handed down, a setting cannot be written over."""
    monkeypatch.setenv("ONRAMP_PORT", "9000")
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().port = 1
