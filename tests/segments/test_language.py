"""What can be said in a rule, and that nothing else can."""

from __future__ import annotations

import pytest
from sqlglot import exp

from segments.faults import Fault, Place, RuleError
from segments.language import DEEPEST, LONGEST, parse, refuse_other_kinds
from segments.rule import read_rule
from segments.words import Words

PLACE = Place("segments.x", "segments.toml")
LOGIN, BUY, SIGNED = '"days_since_last_login"', '"days_since_last_buy"', '"days_since_sign_up"'


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("session_count > 3", '"sessions_since_sign_up" > 3.0e0'),
        ("session_count more than 3", '"sessions_since_sign_up" > 3.0e0'),
        ("session_count at least 3", '"sessions_since_sign_up" >= 3.0e0'),
        ("session_count at most 3", '"sessions_since_sign_up" <= 3.0e0'),
        ("session_count fewer than 3", '"sessions_since_sign_up" < 3.0e0'),
        ("3 < session_count", '"sessions_since_sign_up" > 3.0e0'),
        ("session_count ≥ 3", '"sessions_since_sign_up" >= 3.0e0'),
        ("session_count <> 3", '"sessions_since_sign_up" <> 3.0e0'),
        ("age between 18 and 30", '"profile_age" BETWEEN 18.0e0 AND 30.0e0'),
        ("age not between 18 and 30", 'NOT ("profile_age" BETWEEN 18.0e0 AND 30.0e0)'),
        ("age IN (18, 30)", '"profile_age" IN (18.0e0, 30.0e0)'),
        ("trend_7d > -0.5", '"trend_7d" > -0.5e0'),
        ("country IN ('de', 'fr')", "\"profile_country\" IN ('de', 'fr')"),
        ("country NOT IN ('de')", "NOT (\"profile_country\" IN ('de'))"),
        ("country = 'it''s'", "\"profile_country\" = 'it''s'"),
        ("country is missing", '"profile_country" IS NULL'),
        ("country IS NOT NULL", 'NOT ("profile_country" IS NULL)'),
        ("newsletter = true", '"profile_newsletter" = 1.0e0'),
        ("newsletter is false", '"profile_newsletter" = 0.0e0'),
        ("last_login older than 7 days", f"{LOGIN} > 7.0e0"),
        ("last_login over 30 days ago", f"{LOGIN} > 30.0e0"),
        ("last_login within last 14 days", f"{LOGIN} <= 14.0e0"),
        ("last_login within the last 2 weeks", f"{LOGIN} <= 14.0e0"),
        ("last_login in the last 36 hours", f"{LOGIN} <= 1.5e0"),
        ("last_login newer than 1 day", f"{LOGIN} < 1.0e0"),
        ("signed_up within 7 days", f"{SIGNED} <= 7.0e0"),
        ("signed_up at least 1 week ago", f"{SIGNED} >= 7.0e0"),
        ("signed_up between 1 and 2 weeks ago", f"{SIGNED} BETWEEN 7.0e0 AND 14.0e0"),
        ("buy happened", f"NOT {BUY} IS NULL"),
        ("buy never happened", f"NOT (NOT {BUY} IS NULL)"),
        ("buy happened within last 14 days", f"{BUY} <= 14.0e0"),
        ("Key_Action HAPPENED", 'NOT "days_since_last_key_action" IS NULL'),
    ],
)
def test_a_phrase_is_a_condition_over_a_feature(rule: str, sql: str, words: Words) -> None:
    """Each phrase of a marketer means what the documentation says, and never null."""
    assert read_rule(rule, words, PLACE).sql == f"COALESCE({sql}, FALSE)"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "The rule ends too early"),
        ("session_count", "The rule ends too early. A condition is expected"),
        ("session_count > 3 AND", "The rule ends too early"),
        ("session_count > 3 > 4", "'>' cannot stand here"),
        ("(session_count > 3", "The rule ends too early. A parenthesis is not closed"),
        ("session_count > 3)", r"'\)' cannot stand here"),
        ("country = 'de", "A quote is not closed"),
        ("last_login older than 7", "Say how long, such as '7 days'"),
        ("last_login older than 3 months", "'months' is no unit: say hours, days or weeks"),
        ("age between 3", "The rule ends too early. A range needs both ends"),
        ("age in 3", "A set in parentheses is expected"),
        ("session_count + 1 > 3", "A condition is expected"),
        ("abs(age) > 3", "A condition is expected"),
        ("profile.age > 3", "A condition is expected"),
        ("age > (SELECT max(age) FROM customers)", r"'\(' cannot stand here"),
        ("age > 3; DROP TABLE customers", "A condition is expected"),
        ("age > 3; age > 4", "A rule is one condition"),
        ("SELECT 1", "A condition is expected"),
        ("age > 3 -- all of them", "'-' cannot stand here"),
        ("age > 3 /* all */", "'/' cannot stand here"),
        ("age > 3 UNION age > 4", "'UNION' is no unit"),
        ("CASE WHEN age > 3 THEN true END", "A condition is expected"),
        ("age::VARCHAR = '3'", "A condition is expected"),
        ("{{ age }} > 3", "'{' cannot stand here"),
        ("age > x.y", "'.' cannot stand here"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(rule: str, message: str, words: Words) -> None:
    """Neither half a rule nor any other SQL is read; the error shows where reading stopped."""
    with pytest.raises(RuleError, match=f"^{message}.*segments.x in segments.toml, character"):
        read_rule(rule, words, PLACE)


def test_an_event_may_be_called_like_a_word_of_sql() -> None:
    """Only a handful of words is reserved."""
    assert parse("order happened OR first > 3 AND date within 3 days").find(exp.Or)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    """As in SQL: a OR (b AND (NOT c))."""
    tree = parse("a > 1 OR b > 2 AND NOT c > 3")
    assert isinstance(tree, exp.Or)
    assert isinstance(tree.right, exp.And)
    assert isinstance(tree.right.right, exp.Not)


@pytest.mark.parametrize("rule", ["a > 1 " * LONGEST, "(" * (DEEPEST + 1) + "a > 1"])
def test_a_rule_has_an_end(rule: str) -> None:
    """A rule that would exhaust the parser is refused before it is parsed."""
    with pytest.raises(Fault, match="at most 2000 characters and 50 parentheses"):
        parse(rule)


def test_other_kinds_of_nodes_are_refused() -> None:
    """Should the parser ever let one through, it is stopped before it becomes SQL."""
    with pytest.raises(Fault, match="A rule cannot hold ReadCSV"):
        refuse_other_kinds(exp.And(this=exp.func("read_csv", "x"), expression=exp.true()))
