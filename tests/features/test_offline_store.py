from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import (
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RequestSource,
)
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64

from features.offline_store import AsOfOfflineStore
from lifecycle.errors import DataError, UsageError
from tests.features.offline_views import (
    START,
    TIME,
    asked,
    customer,
    hours,
    open_feast,
    rows_of,
    views_of,
    write,
)

OURS = "features.offline_store.AsOfOfflineStore"

# Feast calls its own on-demand views experimental.
pytestmark = pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of three views."""
    root = tmp_path_factory.mktemp("views")
    write(root, "tied", rows_of(1), 4)
    alone = rows_of(2).group_by(["customer_id", "happened"]).aggregate([("score", "max")])
    write(root, "mapped", alone.rename_columns(["customer_id", "happened", "raw score"]), 1)
    world = pa.table({"at": pa.array([hours(5), hours(9)], TIME), "rate": [1.5, 2.5]})
    write(root, "world", world, 1)
    return root


@pytest.fixture(scope="module")
def ours(folder: Path) -> FeatureStore:
    """Feast on our store, with an on-demand view that needs a column of the entity rows."""
    views = views_of(folder)

    @on_demand_feature_view(
        sources=[
            views[0],
            RequestSource(name="asked", schema=[Field(name="bonus", dtype=Float64)]),
        ],
        schema=[Field(name="sum", dtype=Float64)],
        mode="pandas",
    )
    def added(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"sum": inputs["score"] + inputs["bonus"]})

    return open_feast(folder / "ours", OURS, [*views, added])


@pytest.fixture(scope="module")
def theirs(folder: Path) -> FeatureStore:
    """Feast on its own duckdb store, with the same views."""
    return open_feast(folder / "theirs", "duckdb", views_of(folder))


ALL = ["tied:score", "tied:whole", "tied:word", "mapped:points"]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_every_cell_is_that_of_feasts_duckdb_store(
    full: bool, known: bool, ours: FeatureStore, theirs: FeatureStore
) -> None:
    """Ties, late rows, age limits, gaps, field mapping, full names: the same rows and values."""
    options: Any = {"full_feature_names": full, "filter_by_created_timestamp": known}
    mine = ours.get_historical_features(asked(), ALL, **options).to_arrow()
    other = theirs.get_historical_features(asked(), ALL, **options).to_arrow().sort_by("n")
    assert mine.column_names == other.column_names
    assert mine.to_pylist() == other.to_pylist()
    assert mine.num_rows - mine.column(3).null_count > 100


def test_a_projection_joins_by_another_key_under_another_name(ours: FeatureStore) -> None:
    """The referrer's score beside the customer's own, each under its view's name."""
    view = ours.get_feature_view("mapped")
    other = view.with_name("referrer").with_join_key_map({"customer_id": "referred_by"})
    service = ours.get_historical_features
    frame = asked().rename(columns={"customer_id": "referred_by"}).assign(customer_id="a")
    both = FeatureService(name="both", features=[view.with_name("own"), other])
    ours.apply([both])
    found = service(frame, both, full_feature_names=True).to_arrow()
    own = service(asked().assign(customer_id="a"), ["mapped:points"]).to_arrow()
    referrers = service(asked(), ["mapped:points"]).to_arrow()
    assert found["own__points"].equals(own["points"])
    assert found["referrer__points"].equals(referrers["points"])


def test_entity_rows_come_back_as_they_went(ours: FeatureStore) -> None:
    """Order, twins, other columns, nanoseconds and an odd index survive; the frame is untouched."""
    frame = asked().assign(label=1.5)
    frame["event_timestamp"] = frame["event_timestamp"].dt.as_unit("ns")
    frame.index = pd.Index(range(1000, 1000 + len(frame)))
    before = frame.copy()
    found = ours.get_historical_features(frame, ALL).to_df()
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(found[frame.columns], frame.reset_index(drop=True))


@pytest.mark.parametrize("form", ["naive", "text", "other column", "Berlin"])
def test_times_in_any_form_are_the_instants_they_name(form: str, ours: FeatureStore) -> None:
    """Without a zone a time is UTC; text is read; a sole time column needs no special name."""
    frame, times = asked(), asked()["event_timestamp"]
    if form == "naive":
        frame["event_timestamp"] = times.dt.tz_localize(None)
    elif form == "text":
        frame["event_timestamp"] = times.map(lambda time: time.isoformat())
    elif form == "Berlin":
        frame["event_timestamp"] = times.dt.tz_convert("Europe/Berlin")
    else:
        frame = frame.rename(columns={"event_timestamp": "asked_at"})
    right = ours.get_historical_features(asked(), ALL).to_arrow()
    found = ours.get_historical_features(frame, ALL).to_arrow()
    assert found.select(right.column_names[3:]).equals(right.select(right.column_names[3:]))


def test_entity_rows_may_be_sql(ours: FeatureStore) -> None:
    """DuckDB's SQL gives the rows: of text as of a frame."""
    rows = ", ".join(
        f"({row.n}, '{row.customer_id}', '{row.event_timestamp}'::TIMESTAMPTZ)"
        for row in asked().itertuples()
        if "'" not in str(row.customer_id)
    )
    job = ours.get_historical_features(
        f"SELECT * FROM (VALUES {rows}) v(n, customer_id, event_timestamp) ORDER BY n", ALL
    )
    right = ours.get_historical_features(asked(), ALL).to_df()
    right = right[~right["customer_id"].str.contains("'")].reset_index(drop=True)
    found = job.to_df()
    assert found["points"].equals(right["points"])
    assert found["whole"].equals(right["whole"])
    assert job.metadata.min_event_timestamp == right["event_timestamp"].min()


def test_a_range_of_dates_is_every_moment_in_it(ours: FeatureStore, folder: Path) -> None:
    """Without entity rows: each moment that a view holds from start to end, both inclusive."""
    found = ours.get_historical_features(
        features=ALL, start_date=hours(10), end_date=hours(20)
    ).to_df()
    held = pd.concat(
        pd.read_parquet(folder / name)[["customer_id", "happened"]] for name in ("tied", "mapped")
    ).drop_duplicates()
    held = held[(held["happened"] >= hours(10)) & (held["happened"] <= hours(20))]
    assert len(found) == len(held) > 20
    assert set(zip(found["customer_id"], found["event_timestamp"], strict=True)) == set(
        zip(held["customer_id"], held["happened"], strict=True)
    )
    frame = found[["customer_id", "event_timestamp"]]
    direct = ours.get_historical_features(frame, ["tied:word"]).to_df()
    exact = found["event_timestamp"] >= hours(14)  # before, a row may lie before the range
    pd.testing.assert_series_equal(found["word"][exact], direct["word"][exact])


def test_on_demand_features_are_computed(ours: FeatureStore) -> None:
    """An on-demand view takes features and columns of the entity rows."""
    frame = asked().assign(bonus=10.0)
    found = ours.get_historical_features(frame, ["tied:score", "added:sum"]).to_df()
    pd.testing.assert_series_equal(found["sum"], found["score"] + 10, check_names=False)


def test_a_view_of_everybody_needs_no_key(ours: FeatureStore) -> None:
    """A view without entities answers by time alone."""
    frame = pd.DataFrame({"event_timestamp": [hours(4), hours(6), hours(9)]})
    found = ours.get_historical_features(frame, ["world:rate"]).to_arrow()
    assert found["rate"].to_pylist() == [None, 1.5, 2.5]


@pytest.mark.filterwarnings("ignore:Saving dataset is an experimental feature")
def test_a_saved_dataset_holds_the_rows(ours: FeatureStore, folder: Path) -> None:
    """What is saved is what was asked."""
    job = ours.get_historical_features(asked(), ALL)
    path = folder / "saved.parquet"
    ours.create_saved_dataset(job, "saved", SavedDatasetFileStorage(path=str(path)))
    assert pq.read_table(path).to_pylist() == job.to_arrow().to_pylist()


def test_sources_that_are_not_ours_are_left_to_feast(folder: Path) -> None:
    """A source with an address is read by Feast's duckdb store; a range over it is refused."""
    table = pa.table({"customer_id": ["a"], "at": pa.array([START], TIME), "far": [1.0]})
    pq.write_table(table, folder / "far.parquet")
    view = FeatureView(
        name="far", entities=[customer], schema=[Field(name="far", dtype=Float64)],
        source=FileSource(path=f"file://{folder}/far.parquet", timestamp_field="at"),
    )  # fmt: skip
    store = open_feast(folder / "far", OURS, [view])
    frame = pd.DataFrame({"customer_id": ["a"], "event_timestamp": [hours(1)]})
    frame["event_timestamp"] = frame["event_timestamp"].dt.as_unit("us")
    assert store.get_historical_features(frame, ["far:far"]).to_df()["far"].tolist() == [1.0]
    with pytest.raises(UsageError, match=r"local Parquet files\. Others: far\. Give entity rows"):
        store.get_historical_features(features=["far:far"], start_date=START, end_date=hours(1))


def test_entity_rows_without_a_key_are_refused(ours: FeatureStore) -> None:
    """The key that is missing is named, with what there is."""
    frame = asked().rename(columns={"customer_id": "client"})
    with pytest.raises(
        DataError, match=r"joined with tied\. No column customer_id among n, client"
    ):
        ours.get_historical_features(frame, ALL)


def test_a_column_named_like_a_feature_is_refused(ours: FeatureStore) -> None:
    """Two columns of one name would hide each other; full names keep them apart."""
    frame = asked().assign(word="mine")
    with pytest.raises(DataError, match=r"features of tied\. Both have word\. Rename"):
        ours.get_historical_features(frame, ALL)
    found = ours.get_historical_features(frame, ALL, full_feature_names=True).to_df()
    assert set(found["word"]) == {"mine"}
    assert "tied__word" in found


def test_a_range_over_views_of_different_entities_is_refused(ours: FeatureStore) -> None:
    """Their moments cannot stand in one table."""
    with pytest.raises(
        UsageError,
        match=r"views of the same entities\. customer_id and no entity|no entity and customer_id",
    ):
        ours.get_historical_features(
            features=[*ALL, "world:rate"], start_date=START, end_date=hours(9)
        )


def test_feast_is_told_that_late_rows_can_be_left_out() -> None:
    """Feast passes `filter_by_created_timestamp` on to stores that say they know it."""
    assert AsOfOfflineStore.supports_filter_by_created_timestamp
