from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from onramp.pictures import MOST_BINS, bins_of, missing_figure, source_of
from onramp.profile import ASSOCIATED, MOST_ROWS, associations, page, sample
from tasks import find
from training.trainingset import TrainingSet

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NASTY = "<img src=x onerror=alert(1)>"


def training_set(rows: int) -> TrainingSet:
    """Half of `half` is missing; `tells` is the label; `quiet` knows nothing of it."""
    dice = np.random.default_rng(0)
    label = dice.random(rows) < 0.4
    times = pd.Series(NOW - pd.to_timedelta(dice.integers(0, 60, rows), "D")).dt.as_unit("us")
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(rows)],
            "event_timestamp": times,
            "signed_up_at": times - timedelta(days=3),
            "label": label,
            "label_end": times + timedelta(days=14),
            "tells": label + dice.random(rows) / 10,
            "quiet": dice.random(rows),
            "half": np.where(np.arange(rows) % 2, np.nan, 1.0),
            "kind": np.where(dice.random(rows) < 0.3, NASTY, "plain"),
        }
    )
    features = [("tells", "number"), ("quiet", "number"), ("half", "number"), ("kind", "category")]
    return TrainingSet(frame=frame, features=tuple(features), as_of=NOW)


def test_the_page_holds_itself_and_escapes_the_data() -> None:
    """Columns with their plots are in the page; a value of the data is text in it, never markup."""
    data = training_set(200)
    drawn = page(find("churn"), data, sample(data), plots=True)
    assert NASTY not in drawn
    assert all(name in drawn for name, _ in data.features)
    assert "200 labelled moments of 200 customers" in drawn
    assert drawn.count("<svg") > len(data.features)


def test_a_feature_that_tells_the_label_stands_first() -> None:
    """A leak is seen at the first look: Cramér's V near 1, and noise near 0."""
    data = training_set(1000)
    found = associations(sample(data).drop(columns="event_timestamp"))
    with_label = [pair for pair in found if pair.one == "label"]
    assert (with_label[0].other, with_label[0].strength > 0.9) == ("tells", True)
    noise = next(pair for pair in with_label if pair.other == "quiet")
    assert noise.strength < 0.2
    assert len(with_label) == len(data.features) <= ASSOCIATED


def test_a_large_training_set_is_sampled_the_same_way_twice() -> None:
    """What is drawn is bounded, and a fixed seed makes the page repeatable."""
    data = training_set(MOST_ROWS + 1)
    first, second = sample(data), sample(data)
    assert len(first) == MOST_ROWS
    assert first.equals(second)


def test_the_map_names_what_is_missing() -> None:
    """Only features with gaps are on the map; without any there is none."""
    data = training_set(100)
    source = source_of(missing_figure(data.frame, ["tells", "half"]))
    figure = missing_figure(data.frame, ["tells", "half"])
    assert figure is not None
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["half"]
    assert b"<svg" in base64.b64decode(source.removeprefix("data:image/svg+xml;base64,"))
    assert missing_figure(data.frame, ["tells"]) is None
    assert source_of(None) == ""


def test_bins_are_weeks_or_as_many_as_fit() -> None:
    """Short histories have weekly bins; of a long one no more bins than a picture carries."""
    start = pd.Timestamp("2026-01-01", tz="UTC")
    short = bins_of(pd.Series(start + pd.to_timedelta(range(15), "D")))
    assert list(short.unique()) == [
        start,
        start + pd.Timedelta(days=7),
        start + pd.Timedelta(days=14),
    ]
    long = bins_of(pd.Series(start + pd.to_timedelta(range(2000), "D")))
    assert 2 < long.nunique() <= MOST_BINS
    assert long.name == "time"
