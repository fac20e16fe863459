from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feature_repo.apply import apply
from features import store
from features.build import build
from features.connection import current
from lifecycle.errors import NotReady
from lifecycle.home import Home, open_home
from lifecycle.label import Does
from lifecycle.lock import held
from tasks import supported
from tests.features.canonical import AS_OF, DAYS, TOML, fill, random_log, settle

FEW = ("count_*", "profile_*")
REPO = Path(__file__).resolve().parents[2] / "feature_repo"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = settle(tmp_path / "home")
    fill(home, *random_log(seed=2, customers=12))
    build(home, moments_days=DAYS, as_of=AS_OF)
    return home


def feast(folder: Path, *words: str, home: Home | None = None) -> str:
    """Run the plain Feast command inside a feature_repo/, on its own home or on another."""
    elsewhere = {}
    if home is not None:
        elsewhere = {
            "ONRAMP_HOME": str(home.root),
            "FEAST_FS_YAML_FILE_PATH": str(store.config_file(home)),
        }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("feast")), *words],
        cwd=folder, check=False, timeout=120, capture_output=True, text=True,
        env={**os.environ, **elsewhere},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_applying_a_second_time_changes_nothing(home: Home) -> None:
    """First everything is created, then nothing differs, loaded online or not."""
    first = apply(home)
    store.materialize(home, AS_OF)
    second = apply(home)
    assert {"feature view customer_behaviour", "feature service churn"} <= set(first.created)
    assert first.changed
    assert not second.changed
    assert second.views == ("customer_behaviour", "customer_profile")
    assert second.services == tuple(supported(home.dataset()))


def test_a_third_task_is_one_more_service(home: Home) -> None:
    """A task more in the mapping is known to Feast, with its own choice of features; and goes."""
    known = supported(home.dataset())
    buys = replace(
        known["churn"], name="buys", label=Does("buy"), features=("count_*", "profile_*")
    )
    apply(home)
    assert apply(home, {**known, "buys": buys}).created == ("feature service buys",)
    names = store.service_features(home, "buys")
    assert names[0] == "count_login_1d"
    assert names[-1] == "profile_newsletter"
    assert all(name.startswith(("count_", "profile_")) for name in names)
    assert apply(home).deleted == ("feature service buys",)


def test_a_view_that_is_no_longer_wanted_goes(home: Home) -> None:
    """A view left by somebody else is removed from the registry."""
    apply(home)
    feast_store = store.open_store(home)
    stray = feast_store.get_feature_view("customer_profile")
    stray.name = "stray"
    feast_store.apply([stray])
    assert "feature view stray" in apply(home).deleted
    assert {v.name for v in store.open_store(home).list_feature_views()} == {
        "customer_behaviour", "customer_profile",
    }  # fmt: skip


def test_another_definition_needs_a_build_and_then_replaces_the_old(home: Home) -> None:
    """Changed key actions: apply refuses until built, then updates and removes the old rows."""
    apply(home)
    store.materialize(home, AS_OF)
    before = store.fingerprint(home, "churn")
    home.dataset_file.write_text(TOML.replace('["buy", "share_video"]', '["buy"]'))
    with pytest.raises(NotReady, match=r"not built as they are defined now.*`onramp features`"):
        apply(home)
    with pytest.raises(NotReady, match=r"Feast holds customer_behaviour by another definition"):
        store.fingerprint(home, "churn")
    build(home, moments_days=DAYS, as_of=AS_OF)
    report = apply(home)
    assert "feature view customer_behaviour" in report.updated
    assert len(report.removed_folders) == 1
    assert store.fingerprint(home, "churn") != before
    (row, *_) = store.online(home, "churn", ["c000 ü"], now=AS_OF)
    assert row.status == "unknown", "values of the old definition must not pass for new"


def test_an_apply_that_waits_tells_what_is_defined_by_then(home: Home) -> None:
    """No view is left that reads a folder which the same apply has removed."""
    other = TOML.replace('["buy", "share_video"]', '["buy"]')
    home.dataset_file.write_text(other)
    build(home, moments_days=DAYS, as_of=AS_OF)
    home.dataset_file.write_text(TOML)
    with ThreadPoolExecutor(1) as pool:
        with held(home.locks / "apply", "An apply"):
            waiting = pool.submit(apply, home)
            until = time.monotonic() + 60
            while not store.config_file(home).exists() and time.monotonic() < until:
                time.sleep(0.01)
            home.dataset_file.write_text(other)
        assert len(waiting.result(timeout=60).removed_folders) == 1
    assert all(table.parts() for table in current(home)), "told as defined now, and still built"


def test_descriptions_owners_and_tags_are_told(home: Home) -> None:
    """Feast's registry says what each thing means, who owns it and how long it lives."""
    apply(home)
    feast_store = store.open_store(home)
    for view in feast_store.list_feature_views():
        assert view.description
        assert view.owner == "onramp"
        assert view.tags["data_set"] == "toy"
        assert view.ttl == timedelta(days=3)
        assert all(f.description for f in view.features)
    service = feast_store.get_feature_service("churn")
    assert service.description == supported(home.dataset())["churn"].asked
    assert feast_store.get_entity("customer").join_key == "customer_id"


def test_the_feast_command_line_works_inside_feature_repo(home: Home, tmp_path: Path) -> None:
    """With no word of ours: `feast apply`, `feast materialize`; our readers see what they wrote."""
    folder = tmp_path / "checkout" / "feature_repo"
    shutil.copytree(REPO, folder, ignore=shutil.ignore_patterns("__pycache__"))
    own = open_home(folder.parent / ".onramp")
    shutil.copytree(home.root, own.root)
    assert "customer_behaviour" in feast(folder, "apply")
    start, end = AS_OF - timedelta(days=3), AS_OF
    feast(folder, "materialize", start.isoformat(), end.isoformat())
    assert not apply(own).changed, "what Feast's command applied is what ours would"
    rows = store.online(own, "churn", [f"c{n:03d} ü" for n in range(12)], now=AS_OF)
    assert "found" in {row.status for row in rows}


def test_the_feast_command_line_reads_another_home(home: Home) -> None:
    """ONRAMP_HOME and FEAST_FS_YAML_FILE_PATH name the home."""
    apply(home)
    assert "customer_behaviour" in feast(REPO, "feature-views", "list", home=home)
