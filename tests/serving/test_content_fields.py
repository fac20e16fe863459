"""serving.content_fields: a user's own words in a text, and nothing but words."""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.dataset import Column
from serving.content_fields import LONGEST_VALUE, fields_of, fill, template

PROFILE = {
    "plan": Column(type="category", meaning="Plan"),
    "Home Country": Column(type="category", meaning="Country"),
    "age": Column(type="number", meaning="Age"),
    "newsletter": Column(type="boolean", meaning="Newsletter"),
}
TEXT = "Hello <b>you</b>, your {plan|new} account in {home_country|your country} & {age|no} years."


def welcome(**features: object) -> tuple[str, str]:
    return fill(
        template(TEXT), fields_of({f"profile_{k}": v for k, v in features.items()}, PROFILE)
    )  # type: ignore[misc]


def test_fields_stand_in_their_places() -> None:
    """Categories as they are, numbers without a machine's decimals."""
    text, _ = welcome(plan="pro", home_country="DE", age=30.0)
    assert text == "Hello <b>you</b>, your pro account in DE & 30 years."


def test_missing_fields_have_their_fallback_words() -> None:
    """A text reads well of somebody of whom nothing is known."""
    text, _ = welcome(plan=None, age=float("nan"))
    assert text == "Hello <b>you</b>, your new account in your country & no years."
    assert welcome(plan=" \u0000 ") == welcome()


def test_flags_are_words() -> None:
    """Nobody is shown a 1."""
    found = [fields_of({"profile_newsletter": v}, PROFILE) for v in (1.0, 0.0, True, None)]
    assert found == [{"newsletter": "yes"}, {"newsletter": "no"}, {"newsletter": "yes"}, {}]


class Tags(HTMLParser):
    """Whatever a browser would take for more than text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's signature
        self.found.append(tag)


@settings(deadline=None)
@given(plan=st.text(max_size=200), country=st.sampled_from(["<script>", '" onload=x', "{plan|x}"]))
def test_no_profile_becomes_markup(plan: str, country: str) -> None:
    """Whatever a profile holds, the HTML is text alone, and the same text as the plain one."""
    text, markup = welcome(plan=plan, home_country=country)
    tags = Tags()
    tags.feed(markup)
    assert tags.found == []
    assert html.unescape(markup) == text
    assert not re.search(r"[<>\"']", markup)


@settings(deadline=None)
@given(plan=st.text(max_size=300))
def test_no_profile_breaks_a_line(plan: str) -> None:
    """Control and direction marks are gone, and a long value is cut."""
    words = fields_of({"profile_plan": plan}, PROFILE).get("plan", "")
    assert len(words) <= LONGEST_VALUE
    assert not {unicodedata.category(c) for c in words} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(words) & set("\u202a\u202e\u2066\u2069")


@pytest.mark.parametrize("text", ["{plan}", "{plan|a|b}", "{Plan|x}", "a } b", "{{plan|x}}"])
def test_a_field_that_cannot_be_filled_is_refused(text: str) -> None:
    """When the table is read, and not when a user comes."""
    with pytest.raises(
        ValueError, match=r"write a field with its fallback, as \{plan\|your plan\}"
    ):
        template(text)
