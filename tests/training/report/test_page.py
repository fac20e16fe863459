"""The page holds everything, says warnings first, and lets nothing of the data out as markup."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.report.figures import importance_figure
from training.report.page import laid_out, page, shown
from training.report.section import Section, Table

BALANCING = Section(
    name="balancing",
    title="Balancing",
    words="SMOTE makes no difference here.",
    tables={"paired_differences": Table(columns=("method", "log-loss"), rows=[("smote", 0.5)])},
    figures=(("differences", importance_figure({"a": 2.0, "b": 1.0})),),
    warnings=("Only 12 rows of a class.",),
)
FACTS = {"Question": "Gone?", "Rows": 1234}


def test_a_page_is_one_file() -> None:
    """No script, no style sheet, no picture and no font comes from elsewhere."""
    html = page("churn", FACTS, [BALANCING])
    assert "<script" not in html
    assert "<link" not in html
    assert "@import" not in html
    sources = re.findall(r'src="([^"]{1,30})', html)
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,")
    assert not re.search(r'(?:href|src|url\()="?(?:https?:)?//', html)


def test_warnings_come_before_facts_and_sections() -> None:
    """What must be looked at is read first and leads to its section."""
    html = page("churn", FACTS, [BALANCING])
    places = [
        html.index(text)
        for text in (
            "Only 12 rows",
            "Question",
            'href="#balancing">Balancing</a></li>\n</ul>\n</nav>',
        )
    ]
    assert places == sorted(places)
    assert 'id="balancing"' in html
    assert html.index('<section id="balancing"') < html.index("<td>smote</td>")


def test_a_page_without_warnings_or_sections_is_whole() -> None:
    """Nothing to warn of leaves no empty box."""
    html = page("churn", {}, [])
    assert 'class="warnings"' not in html
    assert html.rstrip().endswith("</html>")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30))
def test_no_text_becomes_markup(text: str) -> None:
    """A feature, a category or an error may hold any character."""
    hostile = f"<script>{text}</script>\"'&"
    section = Section(
        name="s", title=hostile, words=hostile, warnings=(hostile,),
        tables={hostile: Table(columns=(hostile,), rows=[(hostile,)])},
    )  # fmt: skip
    html = page(hostile, {hostile: hostile}, [section], pictures=())
    assert "<script" not in html
    assert html.count("<h1>") == html.count("</h1>") == 1


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "–"), (math.nan, "–"), (math.inf, "–"), (0.51234, "0.5123"), (-0.0412, "-0.0412"),
        (12345.678, "12,345.7"), (-1e-9, "0.0000"), (1234567, "1,234,567"),
        (True, "yes"), ("smote", "smote"),
    ],
)  # fmt: skip
def test_cells_are_written_for_people(cell: str | float | None, text: str) -> None:
    """Four decimals where they tell something, thousands apart, a dash for nothing."""
    assert shown(cell) == text


def test_numbers_are_set_right_and_words_left() -> None:
    """A column counts as numbers when nothing else is in it; one of gaps alone does not."""
    table = Table(
        columns=("a", "b", "c", "d"), rows=[("x", 1, None, 1.5), ("y", None, None, "n/a")]
    )
    assert [numeric for _, numeric in laid_out("t", table).columns] == [False, True, False, False]


def test_a_column_has_the_decimals_that_it_needs() -> None:
    """Counts have none, halves one, measurements four; gaps and words ask for none."""
    rows = [(86.0, 12.5, 1 / 3, None, 250.0), (1200.0, 3.0, 0.5, "x", math.nan)]
    shown_rows = laid_out("t", Table(columns=tuple("abcde"), rows=rows)).rows
    assert shown_rows == (
        ("86", "12.5", "0.3333", "–", "250"), ("1,200", "3.0", "0.5000", "x", "–"),
    )  # fmt: skip


def test_a_long_table_is_folded_and_cut() -> None:
    """The page stays readable; the CSV has the rest, and the page says so."""
    rows = [(f"feature {i}", float(i)) for i in range(130)]
    section = Section(
        name="s", title="S", words="", tables={"all": Table(columns=("f", "v"), rows=rows)}
    )
    html = page("t", {}, [section], pictures=())
    assert "<details>" in html
    assert "30 more in its CSV" in html
    assert html.count("<tr>") == 101
