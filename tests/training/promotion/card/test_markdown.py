"""Markdown that says what it was given, whatever that is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from training.promotion.card.markdown import document, escaped, lines, table
from training.report.page import MOST_ROWS
from training.report.section import Section, Table

# HTML passes through, as in the most trusting of pages: what could act would act
READ = MarkdownIt("commonmark", {"html": True}).enable("table")
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("<>&|*_`[]()#!~\\-+=.:/\"'1 \n\t{}$^@"),
        st.characters(codec="utf-8", exclude_categories=("Cs",)),
    ),
    max_size=40,
)


def visible(text: str) -> str:
    """The text as a page shows it: what cannot be printed and runs of space are one space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def words_of(markdown: str) -> list[str]:
    """The text of each block, and an assertion that nothing in it is more than text."""
    found = []
    for token in READ.parse(markdown):
        assert token.type != "html_block"
        if token.type == "inline":
            assert {one.type for one in token.children or ()} <= {"text", "hardbreak", "softbreak",
                                                                  "text_special"}  # fmt: skip
            found.append("".join(one.content for one in token.children or ()))
    return found


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=4))
def test_a_cell_is_read_as_it_was_given(rows: list[tuple[str, str]]) -> None:
    """No tag, link, emphasis or further cell comes of any text."""
    read = words_of(table(Table(columns=("one", "two"), rows=rows)))
    assert [visible(one) for one in read] == [
        "one", "two", *(visible(cell) for row in rows for cell in row),
    ]  # fmt: skip


@given(st.lists(HOSTILE, max_size=4))
def test_a_paragraph_is_read_as_it_was_given(texts: list[str]) -> None:
    """No line becomes a heading, a list, a quote, code or a rule."""
    given_lines = [shown for text in "\n".join(texts).splitlines() if (shown := visible(text))]
    tokens = READ.parse(lines("\n".join(texts)))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    read = [one.content for token in tokens for one in token.children or () if one.content]
    assert "".join(read).replace(" ", "") == "".join(given_lines).replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "[a](javascript:alert(1))", "![x](http://evil/x.png)", "a|b",
        "https://evil.example", "www.evil.example", "&lt;b&gt;", "`code`", "# big", "a\n\n# big",
    ],
)  # fmt: skip
def test_what_could_act_does_not(text: str) -> None:
    """The usual tricks are shown as text."""
    page = document("t", {"fact": text}, [Section(name="s", title=text, words=text)])
    html = READ.render(page)
    assert not re.search(r"<(script|a|img|b|code|em)\b", html)
    assert html.count("<h1>") == 1
    assert html.count("<h2>") == 1
    assert "://" not in escaped(text)
    assert "www." not in escaped(text)


def test_a_long_table_says_how_much_is_left_out() -> None:
    """As the page in HTML does."""
    rows = [(f"r{i}", i) for i in range(MOST_ROWS + 7)]
    assert words_of(table(Table(columns=("name", "n"), rows=rows)))[-2] == "7 more"
