"""Learnt segments stand beside the written ones, in the same table and by the same key."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import catalogue
from lifecycle.home import Home
from segments import behaviour_store
from segments.behaviour_model import BehaviourModel, Column, Segment
from segments.build import build_segments
from segments.rows import read_part
from segments.standing import standing
from segments.table import BEHAVIOUR, segment_table
from tests.features.canonical import AS_OF

FEATURE = "active_days_30d"


@pytest.fixture
def model(home: Home) -> BehaviourModel:
    """Few active days against many; the definitions are those of the catalogue."""
    known = {feature.name: feature for feature in catalogue(home.dataset())}
    column = Column(
        feature=FEATURE, definition=known[FEATURE].definition, side="often", scale="plain",
        fill=0.0, low=0.0, high=30.0, mean=0.0, sd=1.0, weight=1.0, high_words="often",
        low_words="seldom",
    )  # fmt: skip
    return BehaviourModel(
        version="1-test", algorithm="k-means", columns=(column,),
        segments=tuple(
            Segment(name=name, description=name, centre=(days,), means={}, size=1)
            for name, days in (("seldom", 0.0), ("often", 6.0))
        ),
        digest="x", fitted={},
    )  # fmt: skip


def test_a_learnt_segment_is_one_more_column(home: Home, model: BehaviourModel) -> None:
    """Every row has the model's word for its own features; sizes count them."""
    before = segment_table(home).table
    behaviour_store.write(home, model)
    report = build_segments(home, as_of=AS_OF)
    segments = segment_table(home)
    assert report.behaviour == "1-test"
    assert segments.table.folder != before.folder
    assert segments.table.schema.names[-2:] == [BEHAVIOUR, segments.table.marker]
    for part in segments.sources[0].parts():
        rows, _ = read_part(segments.sources, segments.inputs, part)
        stored = pq.read_table(segments.table.folder / part.name)[BEHAVIOUR].to_pylist()
        assert stored == model.assign(rows)
        assert set(stored) == {"seldom", "often"}
    sizes = [one.size for one in standing(home).groups if one.column == BEHAVIOUR]
    assert sum(sizes) == standing(home).customers


def test_a_model_of_older_features_tells_nothing(home: Home, model: BehaviourModel) -> None:
    """It is left out, and the report says how to learn it anew."""
    older = replace(model, columns=(replace(model.columns[0], definition="of old"),))
    behaviour_store.write(home, older)
    report = build_segments(home, as_of=AS_OF)
    assert BEHAVIOUR not in pa.schema(segment_table(home).table.schema).names
    assert report.behaviour is None
    assert any("learn them anew by `onramp segments fit`" in line for line in report.lines())
