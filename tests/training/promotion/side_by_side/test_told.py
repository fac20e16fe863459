"""Text, JSON and page tell the same; the page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from lifecycle.strict_json import plain
from onramp.verbs.compare import lines
from tests.training.conftest import CHURN
from tests.training.promotion.side_by_side.conftest import Two
from training.promotion.side_by_side.compare import compare_on
from training.promotion.side_by_side.told import page_of, sections_of
from training.promotion.side_by_side.values import Comparison


@pytest.fixture(scope="module")
def page(found: Comparison) -> str:
    return page_of(found)


def rows_of(text: list[str], title: str) -> list[list[str]]:
    """Cells of the lines of a part's first table, its heading left out."""
    start = text.index(title)
    table = [line for line in text[start + 1 :] if line.startswith("  ") or not line]
    cells = []
    for line in table:
        if not line:
            break
        cells.append(re.split(r"\s{2,}", line.strip()))
    return cells[1:]


def test_the_text_says_what_the_json_says(found: Comparison) -> None:
    """Every number of the tables of metrics, slices and bins, to four decimals."""
    text = list(lines(found))
    told = json.loads(json.dumps(plain(found), allow_nan=False))
    metrics = {row[0]: row for row in rows_of(text, "ON THE SAME UNSEEN ROWS")}
    assert set(metrics) == {one["metric"] for one in told["same_rows"]["metrics"]}
    for one in told["same_rows"]["metrics"]:
        _, way, *cells = metrics[one["metric"]]
        gap = one["difference"]
        numbers = [one["first"], one["second"], gap["value"], gap["low"], gap["high"]]
        assert [float(cell) for cell in cells[:5]] == pytest.approx(numbers, abs=5.1e-5)
        assert way == ("higher" if one["higher_is_better"] else "lower")
        assert cells[5] == (str(one["better"]) if one["better"] else "not told apart")
        assert cells[6] == gap["method"]
    slices = rows_of(text, "BY SLICE")
    for row, one in zip(slices, told["same_rows"]["slices"]["compared"], strict=True):
        assert row[:3] == [one["feature"], one["value"], f"{one['rows']:,}"]
        assert float(row[9]) == pytest.approx(one["p_value"], abs=5.1e-5)
    bins = rows_of(text, "CALIBRATION")
    for row, one, other in zip(bins, *(c["bins"] for c in told["calibration"]), strict=True):
        assert float(row[2]) == pytest.approx(one["said"], abs=5.1e-5)
        assert float(row[8]) == pytest.approx(other["happened"], abs=5.1e-5)
    shares = rows_of(text, "WHAT EACH LOOKS AT")
    looked = [one for one in told["importances"]["features"] if one["first"]["rank"]]
    assert [row[0] for row in shares[: len(looked)]] == [one["feature"] for one in looked]


def test_the_words_name_who_is_better(found: Comparison) -> None:
    """The first sentences carry the outcome, the rows and both versions."""
    text = " ".join(lines(found))
    assert text.startswith("churn: version 1 beside version 2")
    assert "Versions: 1 (champion) · 2" in text
    assert "Version 1 is better in" in text
    assert "that neither version has seen" in text
    assert "These are not the same rows" in text
    assert "Version 2: refuse against version 1, 2025-05-01 by tester: roc_auc is" in text


def test_without_common_rows_the_text_says_so(two: Two) -> None:
    """Recorded numbers are told as those of two exams, and nobody is called better."""
    found = compare_on(two.home, CHURN, 1, 2, lambda: (two.frame.iloc[:60], {}))
    text = " ".join(lines(found))
    assert "cannot be held against each other on the same rows" in text
    assert "must not be held against each other" in text
    assert "is better in" not in text
    assert "BY SLICE" not in text
    assert 'role="note"' in page_of(found)


def test_the_same_test_rows_are_told_as_such(found: Comparison) -> None:
    """Two trainings of one day were tested on the very same rows."""
    same = replace(found, same_test_rows=True)
    text = " ".join(lines(same))
    assert "the very same rows and labels" in text
    assert "must not be held against each other" not in text


def test_the_page_asks_nothing_of_anybody(page: str) -> None:
    """No script, and no style sheet, picture, font or link from elsewhere."""
    assert "<script" not in page
    assert "<link" not in page
    assert "@import" not in page
    addresses = re.findall(
        r"""(?:src|href|srcset|action|data|url)\s*[=(]\s*["']?([^"'\s)>]+)""", page
    )
    assert len(addresses) > 5
    assert [one for one in addresses if not one.startswith(("#", "data:image/"))] == []
    assert "prefers-color-scheme: dark" in page


def test_the_page_has_the_pictures_and_the_tables(found: Comparison, page: str) -> None:
    """Differences, both curves, both importances; and every section of the text."""
    assert page.count('<img src="data:image/') == 3
    for section in sections_of(found):
        assert f'<section id="{section.name}"' in page
        assert not section.figures
    assert "&lt;b&gt;lower&lt;/b&gt;" in page
    assert "<b>lower" not in page


def test_a_metric_that_could_not_be_measured_is_a_dash(found: Comparison) -> None:
    """NaN is null in JSON, a dash in words, and nobody is better."""
    assert found.same_rows is not None
    nan = float("nan")
    first, *others = found.same_rows.metrics
    gap = replace(first.difference, value=nan, low=nan, high=nan)
    broken = replace(first, first=nan, difference=gap, better=None)
    hurt = replace(found, same_rows=replace(found.same_rows, metrics=(broken, *others)))
    row = rows_of(list(lines(hurt)), "ON THE SAME UNSEEN ROWS")[0]
    assert row[2] == "–"
    assert row[7] == "not measured"
    assert plain(hurt)["same_rows"]["metrics"][0]["first"] is None
    assert page_of(hurt).count("<img") == 3
