"""Segments through Feast: what was stored is what Feast gives, offline and online."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.apply import apply
from features import store
from features.connection import open_store
from lifecycle.home import Home, open_home
from onramp.refresh import SegmentFailure, refresh, refresh_segments
from segments.table import segment_table
from tasks import supported
from tests.features.canonical import AS_OF

RULES = """
[segments.all]
rule = "age > 0 OR age IS MISSING"
"""


@pytest.fixture(scope="module")
def served(small: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A small home after `onramp features`; the tests change it one after the other."""
    root = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(small.root, root)
    home = open_home(root)
    refresh(home, as_of=AS_OF)
    return home


def stored(home: Home) -> pd.DataFrame:
    table = segment_table(home).table
    rows = pa.concat_tables([pq.read_table(part) for part in table.parts()])
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def test_historical_is_the_stored_row_of_each_moment(served: Home) -> None:
    """The service `segments` gives back every column as it was computed."""
    rows = stored(served).sample(frac=1, random_state=0)
    found = store.historical(served, "segments", rows[["customer_id", "event_timestamp"]])
    names = [feature.name for feature in segment_table(served).table.features]
    assert found.column_names == ["customer_id", "event_timestamp", *names]
    assert found.select(names).to_pylist() == rows[names].to_dict(orient="records")


def test_online_is_the_newest_stored_row(served: Home) -> None:
    """What the server would answer is what the list of a campaign says; Feast's reader agrees."""
    rows = stored(served).query("event_timestamp == @AS_OF").set_index("customer_id")
    answers = store.online(served, "segments", list(rows.index), now=AS_OF)
    feast = open_store(served)
    theirs = feast.get_online_features(
        features=feast.get_feature_service("segments"),
        entity_rows=[{"customer_id": name} for name in rows.index],
    ).to_dict()
    for n, answer in enumerate(answers):
        assert answer.status == "found"
        for name, value in dict(answer.values).items():
            assert value == rows.loc[answer.customer_id, name] == theirs[name][n]


def test_the_documented_reads_work(
    served: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python of docs/segments.md, as it stands, in a folder with a home."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "segments.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / ".onramp").symlink_to(served.root)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page is ours
    assert {"customer_id", "lifecycle_stage", "rfm_segment"} <= set(names["now"])
    assert "segment_dormant" in names["then"].column_names


def test_segments_are_no_models_features(served: Home) -> None:
    """The services of the tasks do not hold them; the view tells what each one means."""
    for task in supported(served.dataset()):
        assert not any(name.startswith(("segment_", "rfm_", "lifecycle"))
                       for name in store.service_features(served, task))  # fmt: skip
    view = open_store(served).get_feature_view("customer_segments")
    (dormant,) = (field for field in view.features if field.name == "segment_dormant")
    assert dormant.description == "Dormant: last_login over 30 days ago"


def test_changed_rules_replace_the_old_ones(served: Home) -> None:
    """After a refresh Feast holds the new columns, and the old definition's rows are gone."""
    old = segment_table(served).table.folder
    served.segments_file.write_text(RULES, encoding="utf-8")
    report = refresh_segments(served)
    assert "feature view customer_segments" in report.applied.updated
    assert report.applied.removed_folders == (str(old),)
    assert store.service_features(served, "segments") == ("segment_all",)
    names = stored(served).query("event_timestamp == @AS_OF")["customer_id"]
    for answer in store.online(served, "segments", list(names), now=AS_OF):
        assert dict(answer.values) == {"segment_all": 1.0}


def test_segments_that_are_not_built_as_defined_now_stay_as_they_are(served: Home) -> None:
    """Also while something else in the registry changes; built, the new ones replace them."""
    before, text = segment_table(served).table, served.segments_file.read_text(encoding="utf-8")
    served.segments_file.write_text(text.replace("all", "each"), encoding="utf-8")
    assert segment_table(served).table.folder != before.folder
    (task, *_) = supported(served.dataset()).values()
    report = apply(served, {task.name: task})
    assert all(name.startswith("feature service") for name in report.deleted)
    assert report.deleted
    assert "feature service segments" not in report.deleted
    assert store.service_features(served, "segments") == ("segment_all",)
    assert before.parts()
    assert report.features == sum(
        len(table.features) for table in (*segment_table(served).sources, before)
    )
    refresh_segments(served)
    assert store.service_features(served, "segments") == ("segment_each",)
    assert not before.parts()
    served.segments_file.write_text(text, encoding="utf-8")
    refresh_segments(served)


def test_a_slip_in_a_rule_stops_no_model(served: Home) -> None:
    """Features are refreshed all the same; the report tells the slip and ends with its code.

    The segments stay as they were, in Feast's registry, on disk and online.
    """
    folder = segment_table(served).table.folder
    parts = sorted(folder.iterdir())
    names = stored(served).query("event_timestamp == @AS_OF")["customer_id"].to_list()
    known = store.online(served, "segments", names, now=AS_OF)
    served.segments_file.write_text(RULES.replace("age >", "agee >"), encoding="utf-8")
    report = refresh(served, as_of=AS_OF)
    assert isinstance(report.segments, SegmentFailure)
    assert report.exit_code == 3
    assert any("Did you mean 'age'?" in line for line in report.lines())
    assert store.service_features(served, "churn")
    assert "customer_segments" in report.applied.views
    assert not report.applied.changed
    assert report.applied.removed_folders == ()
    assert sorted(folder.iterdir()) == parts
    assert store.online(served, "segments", names, now=AS_OF) == known
    served.segments_file.unlink()
    assert refresh(served, as_of=AS_OF).exit_code == 0
    assert not apply(served).changed
