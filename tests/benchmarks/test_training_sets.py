"""The tables of the training benchmark hand out what they say and keep back what they must."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from benchmarks.training import append, cells
from benchmarks.training_results import read
from benchmarks.training_sets import (
    HOTEL_LEAKS,
    cut,
    hotel_bookings,
    iranian_churn,
    telco_ibm,
)
from benchmarks.training_synthetic import POSITIVES, synthetic


@pytest.mark.parametrize("made", [telco_ibm, iranian_churn])
def test_a_table_without_time_holds_out_another_quarter_with_each_seed(made, shared_data):
    """A quarter of each class, no row twice, no label among the features."""
    table = made(shared_data)
    first, second = cut(table, 0), cut(table, 1)
    assert len(first.train) + len(first.test) == len(table.frame)
    assert len(first.test) == pytest.approx(len(table.frame) / 4, abs=2)
    assert first.labels.mean() == pytest.approx(first.train["label"].mean(), abs=0.001)
    assert not first.test.equals(second.test)
    assert cut(table, 0).test.equals(first.test)
    assert list(first.test) == table.meta.names
    assert not {"label", "Churn", "customerID"} & set(table.meta.names)


def test_no_row_of_iranian_churn_is_on_both_sides(shared_data):
    """The 300 duplicates are gone before the cut."""
    assert len(iranian_churn(shared_data).frame) == 2_850


def test_hotel_bookings_are_judged_on_later_arrivals_and_know_no_outcome(shared_data):
    """Every held-out arrival is after every training one; what is written later is left out."""
    table = hotel_bookings(shared_data)
    parts = cut(table, 0)
    held = table.frame["held_out"]
    assert table.frame.loc[held, "event_timestamp"].min() > parts.train["event_timestamp"].max()
    assert not {*HOTEL_LEAKS, "is_canceled", "event_timestamp"} & set(parts.test)
    assert parts.test.equals(cut(table, 7).test)


def test_the_made_up_table_is_what_it_claims():
    """Thirty columns, eight of them text, about 5 % positives, the same with the same seed."""
    frame = synthetic(rows=20_000)
    features = frame.drop(columns="label")
    assert features.shape[1] == 30
    assert sum(features[name].dtype == object for name in features) == 8
    assert frame["label"].mean() == pytest.approx(POSITIVES, abs=0.005)
    assert features.isna().to_numpy().mean() > 0.01
    pd.testing.assert_frame_equal(frame, synthetic(rows=20_000))


def test_each_cell_comes_once_and_a_first_round_before_a_second():
    """A system without a time limit has one cell a table and seed."""
    wanted = list(cells(["telco_ibm"], ["flaml", "lightgbm"], [30, 120], range(2)))
    assert len(wanted) == len(set(wanted)) == 6
    assert [cell.seed for cell in wanted] == sorted(cell.seed for cell in wanted)
    assert {cell.budget for cell in wanted if cell.system == "lightgbm"} == {0}


def test_a_line_that_a_kill_cut_short_is_measured_again(tmp_path):
    """The newest whole line of a cell counts."""
    cell = next(cells(["telco_ibm"], ["flaml"], [30], range(1)))
    told = '{"cell": %s, "seconds": %s}\n'
    as_json = str(dataclasses.asdict(cell)).replace("'", '"')
    file = tmp_path / "results.jsonl"
    file.write_text(told % (as_json, 1) + told % (as_json, 2) + '{"cell": {"se')
    assert {key: line["seconds"] for key, line in read(file).items()} == {cell: 2}
    append(file, {"cell": dataclasses.asdict(cell), "seconds": 3})
    assert {key: line["seconds"] for key, line in read(file).items()} == {cell: 3}
