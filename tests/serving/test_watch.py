"""serving.watch: a champion is noticed, checked and seated; a bad one is not."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import event

from lifecycle.errors import NotReady
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry
from serving.invocations import around
from serving.log_writer import LogWriter
from serving.seat import Seat
from serving.watch import Watch
from tests.serving.conftest import Forged


def watching(forged: Forged) -> tuple[Watch, Seat]:
    seat, log = Seat("churn"), LogWriter(PredictionLog(forged.home))
    return Watch(Registry(forged.home), (seat,), lambda champion: around(champion, log)), seat


def test_first_champion_is_picked_up_when_it_comes(bare: Forged) -> None:
    """A seat that starts empty says so, and is taken once an alias is set."""
    watch, seat = watching(bare)
    watch.look()
    with pytest.raises(NotReady, match=r"No champion serves churn\. No version was promoted yet\."):
        seat.taken()
    bare.promote("churn", 1)
    watch.look()
    assert seat.taken().champion.version == 1
    assert seat.trouble == ""


def test_alias_moves_the_seat_both_ways(forged: Forged) -> None:
    """Promotion and rollback are the same to a server: the alias names another version."""
    watch, seat = watching(forged)
    for number in (1, 2, 1):
        forged.promote("churn", number)
        watch.look()
        assert seat.taken().champion.version == number


def test_version_that_contradicts_its_records_is_not_seated(forged: Forged) -> None:
    """The old champion serves on, and the seat says why and by how much."""
    watch, seat = watching(forged)
    watch.look()
    forged.promote("churn", 3)
    watch.look()
    assert seat.taken().champion.version == 1
    assert seat.trouble.startswith("Version 3 was not seated; version 1 serves on. ")
    assert "does not repeat its recorded predictions. 256 of 256 rows differ" in seat.trouble


def test_version_whose_files_are_gone_is_not_seated(forged: Forged) -> None:
    """A missing booster is a reason, not a crash; the next good version is seated at once."""
    watch, seat = watching(forged)
    watch.look()
    registry = Registry(forged.home)
    folder = registry.folder(registry.version("churn", 2))
    shutil.rmtree(folder / "artifacts")
    forged.promote("churn", 2)
    watch.look()
    assert seat.taken().champion.version == 1
    assert "Version 2 was not seated" in seat.trouble
    forged.promote("churn", 1)
    watch.look()
    assert seat.trouble == ""


def test_unreadable_registry_keeps_the_champion(forged: Forged) -> None:
    """With the registry's database gone bad, the last champion answers on."""
    watch, seat = watching(forged)
    watch.look()
    (forged.home.root / "mlflow.db").write_bytes(b"no database" * 1000)
    watch.look()
    assert seat.taken().champion.version == 1
    assert seat.trouble.startswith("The registry cannot be read. ")


def test_dropped_alias_keeps_the_champion(forged: Forged) -> None:
    """Deleting a version drops its alias in MLflow; whoever serves, serves on and says so."""
    watch, seat = watching(forged)
    watch.look()
    Registry(forged.home).client.delete_registered_model_alias("churn", "champion")
    watch.look()
    assert seat.taken().champion.version == 1
    assert seat.trouble == "The alias champion is gone; its last holder serves on."


def test_unchanged_registry_is_not_asked(forged: Forged) -> None:
    """Without a write to the registry a look costs a file date; a write is seen at once."""
    watch, seat = watching(forged)
    watch.look_if_changed()
    queries = 0

    def count(*_: object) -> None:
        nonlocal queries
        queries += 1

    engine = watch.registry.client._get_registry_client().store.engine
    event.listen(engine, "before_cursor_execute", count)
    for _ in range(5):
        watch.look_if_changed()
    assert queries == 0
    forged.promote("churn", 2)
    watch.look_if_changed()
    event.remove(engine, "before_cursor_execute", count)
    assert queries > 0
    assert seat.taken().champion.version == 2
