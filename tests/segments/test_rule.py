"""A rule means the same in a batch, for one customer and in plain Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.dataset import DataSet
from segments.faults import Place, RuleError, UnknownWord
from segments.rule import Rule, read_rule
from segments.words import Words, words_of
from tests.segments.conftest import WORDS

PLACE = Place("segments.x", "/home/segments.toml")

Row = Mapping[str, Any]

NUMBERS = {
    "session_count": "sessions_since_sign_up",
    "feature_usage_score": "engagement_score_7d",
    "age": "profile_age",
    "trend_7d": "trend_7d",
}
TIMES = {"last_login": "days_since_last_login", "signed_up": "days_since_sign_up"}
COUNTRY, FLAG = "profile_country", "profile_newsletter"
COLUMNS = (*NUMBERS.values(), *TIMES.values(), "days_since_last_buy", FLAG)

COMPARISONS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
    "!=": operator.ne, "more than": operator.gt, "at least": operator.ge,
    "fewer than": operator.lt, "at most": operator.le,
}  # fmt: skip
SPANS = {
    "older than": operator.gt, "newer than": operator.lt, "within last": operator.le,
    "within": operator.le, "in the last": operator.le,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A rule as it is written, and what it means in plain Python."""

    text: str
    holds: Callable[[Row], bool]


def about(column: str, test: Callable[[Any], bool]) -> Callable[[Row], bool]:
    """A condition on a missing value is not met."""
    return lambda row: row[column] is not None and test(row[column])


amounts = st.one_of(
    st.integers(-3, 40).map(str), st.floats(-5, 50, allow_nan=False).map(lambda x: f"{x!r}")
)
spans = st.one_of(st.integers(0, 40).map(str), st.floats(0, 40).map(lambda x: f"{x:.3f}"))
countries = st.sampled_from(["de", "fr", "it's", "ü", ""])


@st.composite
def numbers(draw: st.DrawFn) -> Case:
    word = draw(st.sampled_from(sorted(NUMBERS)))
    phrase = draw(st.sampled_from(sorted(COMPARISONS)))
    amount = draw(amounts)
    test = COMPARISONS[phrase]
    return Case(f"{word} {phrase} {amount}", about(NUMBERS[word], lambda v: test(v, float(amount))))


@st.composite
def times(draw: st.DrawFn) -> Case:
    phrase = draw(st.sampled_from(sorted(SPANS)))
    span, unit = draw(spans), draw(st.sampled_from(["hours", "days", "weeks"]))
    limit = {"hours": float(span) / 24, "days": float(span), "weeks": float(span) * 7}[unit]
    word, column = draw(st.sampled_from([*TIMES.items(), ("buy happened", "days_since_last_buy")]))
    test = SPANS[phrase]
    return Case(f"{word} {phrase} {span} {unit}", about(column, lambda v: test(v, limit)))


@st.composite
def ranges(draw: st.DrawFn) -> Case:
    word = draw(st.sampled_from(sorted(NUMBERS)))
    low, high = sorted((draw(amounts), draw(amounts)), key=float)
    turned = draw(st.booleans())
    return Case(
        f"{word} {'not ' if turned else ''}BETWEEN {low} AND {high}",
        about(NUMBERS[word], lambda v: (float(low) <= v <= float(high)) is not turned),
    )


@st.composite
def sets(draw: st.DrawFn) -> Case:
    members = draw(st.lists(countries, min_size=1, max_size=3))
    turned = draw(st.booleans())
    listed = ", ".join("'" + one.replace("'", "''") + "'" for one in members)
    return Case(
        f"country {'NOT ' if turned else ''}IN ({listed})",
        about(COUNTRY, lambda v: (v in members) is not turned),
    )


@st.composite
def gaps(draw: st.DrawFn) -> Case:
    """Missing or not; the one kind of condition that a missing value can meet."""
    written, column, there = draw(
        st.sampled_from(
            [
                ("country IS MISSING", COUNTRY, False),
                ("age is not missing", "profile_age", True),
                ("last_login IS NULL", "days_since_last_login", False),
                ("buy happened", "days_since_last_buy", True),
                ("buy never happened", "days_since_last_buy", False),
            ]
        )
    )
    return Case(written, lambda row: (row[column] is not None) is there)


flags = st.sampled_from(
    [
        Case("newsletter = true", about(FLAG, lambda v: v == 1.0)),
        Case("newsletter IS NOT TRUE", about(FLAG, lambda v: v != 1.0)),
        Case("newsletter is false", about(FLAG, lambda v: v == 0.0)),
    ]
)


def joined(parts: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return st.one_of(
        st.builds(lambda a: Case(f"NOT ({a.text})", lambda r: not a.holds(r)), parts),
        st.builds(
            lambda a, b: Case(f"({a.text}) AND ({b.text})", lambda r: a.holds(r) and b.holds(r)),
            parts,
            parts,
        ),
        st.builds(
            lambda a, b: Case(f"({a.text}) or ({b.text})", lambda r: a.holds(r) or b.holds(r)),
            parts,
            parts,
        ),
    )


rules = st.recursive(
    st.one_of(numbers(), times(), ranges(), sets(), gaps(), flags), joined, max_leaves=6
)
values = st.one_of(
    st.none(), st.integers(-3, 40).map(float), st.sampled_from([1.5, 7.0, 14.0, 0.1, 1 / 24])
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(COLUMNS, values),
            FLAG: st.sampled_from([None, 0.0, 1.0]),
            COUNTRY: st.one_of(st.none(), countries),
        }
    ),
    min_size=1,
    max_size=12,
)

SCHEMA = pa.schema([*((name, pa.float64()) for name in COLUMNS), (COUNTRY, pa.string())])


def evaluated(db: duckdb.DuckDBPyConnection, rule: Rule, asked: list[Row]) -> list[Any]:
    db.register("rows", pa.Table.from_pylist([dict(row) for row in asked], schema=SCHEMA))
    return [met for (met,) in db.execute(f"SELECT {rule.sql} FROM rows").fetchall()]


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


@settings(max_examples=80, deadline=None)
@given(case=rules, asked=rows)
def test_a_batch_one_customer_and_plain_python_agree(
    case: Case, asked: list[Row], words: Words, db: duckdb.DuckDBPyConnection
) -> None:
    """Random rules on random rows, gaps among them: one meaning, and it is never unknown."""
    rule = read_rule(case.text, words, PLACE)
    expected = [case.holds(row) for row in asked]
    assert evaluated(db, rule, asked) == expected
    assert evaluated(db, rule, asked[:1]) == expected[:1]


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ("age > 3", False),
        ("age != 3", False),
        ("age not between 1 and 3", False),
        ("country not in ('de')", False),
        ("NOT age > 3", True),
        ("NOT country = 'de'", True),
        ("age > 3 OR country IS MISSING", True),
    ],
)
def test_a_condition_on_a_missing_value_is_not_met(
    rule: str, met: bool, words: Words, db: duckdb.DuckDBPyConnection
) -> None:
    """The operators that turn round, too; only NOT before a condition makes it met."""
    nothing: Row = dict.fromkeys(SCHEMA.names)
    assert evaluated(db, read_rule(rule, words, PLACE), [nothing]) == [met]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("country > 3", "'profile_country' is a category, which is neither more nor less"),
        ("country = 3", "'profile_country' is a category and is compared with a number here"),
        ("country between 'a' and 'b'", "'profile_country' is a category"),
        ("age = 'old'", "'profile_age' is a number and is compared with a text here"),
        ("age = true", "'profile_age' is a number and not yes or no"),
        ("age older than 3 days", "'profile_age' is no point in time"),
        ("newsletter > 0", "'profile_newsletter' is yes or no"),
        ("age > 1e999", "1e999 is too large a number"),
        ("age between 9 and 3", "The range ends before it begins"),
        ("1 = 1", "A condition is about a feature, and this one names none"),
        ("age > session_count", "A condition holds one feature against a value"),
        ("buy > 3", "'buy' is an event and no value"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: str, message: str, words: Words) -> None:
    """Types are checked, and the error marks the condition."""
    with pytest.raises(RuleError, match=message) as error:
        read_rule(rule, words, PLACE)
    first = rule.split(maxsplit=1)[0]
    assert f"segments.x in /home/segments.toml, character 1: »{first}" in str(error.value)


def test_an_unknown_word_gets_the_nearest_one(words: Words) -> None:
    """The error names segment, file and place, and what was probably meant."""
    with pytest.raises(UnknownWord) as error:
        read_rule("age > 3 AND sesion_count > 3", words, PLACE)
    assert str(error.value) == (
        "No feature or word named 'sesion_count'. segments.x in /home/segments.toml, character 13: "
        "age > 3 AND »sesion_count« > 3 Did you mean 'session_count'?"
    )
    assert error.value.exit_code == 3
    with pytest.raises(UnknownWord, match=r"No event named 'byu'.*Did you mean 'buy'\?"):
        read_rule("byu happened", words, PLACE)
    with pytest.raises(UnknownWord, match="`onramp segments words` has them all"):
        read_rule("qqqq > 1", words, PLACE)


def test_a_rule_knows_its_conditions_and_features(words: Words) -> None:
    """Each condition keeps its own words, for whoever asks why."""
    rule = read_rule("session_count > 3 AND NOT (age > 3 OR session_count < 9)", words, PLACE)
    assert [one.text for one in rule.conditions] == [
        "session_count > 3", "age > 3", "session_count < 9",
    ]  # fmt: skip
    assert rule.features == ("sessions_since_sign_up", "profile_age")


def test_words_come_from_the_catalogue_and_can_be_replaced(toy: DataSet) -> None:
    """A file's word wins over a derived one; a feature's own name over every word."""
    words = words_of(toy, [WORDS, {"last_login": "days_since_last_buy", "trend_7d": "age"}])
    assert words.aliases["last_login"] == "days_since_last_buy"
    assert "trend_7d" not in words.aliases
    with pytest.raises(UnknownWord, match=r"No feature named 'nope', which is what 'x' stands for"):
        read_rule("x > 1", words_of(toy, [{"x": "nope"}]), PLACE)
