"""A rule, bound to features: one expression, for a million rows and for one customer.

Two-valued on purpose. A condition on a missing value is not met, `NOT` turns that round, and so
a customer always is in a segment or is not. SQL's third value would let one be neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlglot import exp

from features.feature import Feature
from segments.faults import Fault, Place
from segments.language import Happened, Span, parse
from segments.words import Words, is_time

DIALECT = "duckdb"
FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, **FLIPPED}


@dataclass(frozen=True)
class Condition:
    """One condition of a rule, as it was written, and what it is held against."""

    text: str
    feature: str
    sql: str


@dataclass(frozen=True)
class Rule:
    """A rule that every word of is known.

    Attributes:
        text: as it was written.
        sql: DuckDB's expression over the features' columns; true or false, never null.
        conditions: in the order of the text.
    """

    text: str
    sql: str
    conditions: tuple[Condition, ...]

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(condition.feature for condition in self.conditions))


def read_rule(text: str, words: Words, place: Place) -> Rule:
    """Parse a rule, look up its words and check its types.

    Raises:
        RuleError: it cannot be read; the error names the place.
        UnknownWord: a word of it is unknown.
    """
    try:
        binder = Binder(text, words)
        bound = binder.bind(parse(text))
    except Fault as fault:
        raise place.error(fault, text) from fault
    return Rule(text=text, sql=bound.sql(DIALECT), conditions=tuple(binder.conditions))


class Binder:
    """Turns the tree of a rule into one over columns; collects its conditions on the way."""

    def __init__(self, text: str, words: Words) -> None:
        self.text, self.words = text, words
        self.conditions: list[Condition] = []

    def bind(self, node: exp.Expr) -> exp.Expr:
        span = node.meta.get("span")
        if span is not None:
            return self.condition(node, span)
        if isinstance(node, exp.And | exp.Or):
            left = self.bind(node.left)
            return type(node)(this=left, expression=self.bind(node.right))
        return type(node)(this=self.bind(node.this))

    def condition(self, node: exp.Expr, span: tuple[int, int]) -> exp.Expr:
        feature, bound = Leaf(self.words, span).bind(node)
        met = exp.Coalesce(this=bound, expressions=[exp.false()])
        text = self.text[slice(*span)]
        self.conditions.append(Condition(text, feature.name, met.sql(DIALECT)))
        return met


@dataclass(frozen=True)
class Leaf:
    """One condition, wherever in the rule it stands."""

    words: Words
    span: tuple[int, int]

    def bind(self, node: exp.Expr) -> tuple[Feature, exp.Expr]:
        """The feature that the condition is about, and the condition over its column."""
        match node:
            case exp.Not():
                feature, inner = self.bind(node.this)
                return feature, exp.Not(this=exp.Paren(this=inner))
            case Happened():
                feature = self.find(node)
                return feature, exp.Not(this=exp.Is(this=column(feature), expression=exp.Null()))
            case exp.Is():
                feature = self.find(node.this)
                return feature, exp.Is(this=column(feature), expression=exp.Null())
            case exp.In():
                feature = self.find(node.this)
                members = [self.amount(feature, one) for one in node.expressions]
                return feature, exp.In(this=column(feature), expressions=members)
            case exp.Between():
                return self.between(node)
            case _:
                return self.compare(node)

    def find(self, node: exp.Expr) -> Feature:
        word = node.this if isinstance(node, Happened) else node
        if not isinstance(word, exp.Column):
            raise self.fault("A condition is about a feature, and this one names none.")
        name, span = word.name, word.this.meta["span"]
        if isinstance(node, Happened):
            return self.words.event(name, span)
        return self.words.feature(name, span)

    def between(self, node: exp.Expr) -> tuple[Feature, exp.Expr]:
        feature = self.find(node.this)
        self.refuse_order(feature)
        low, high = (self.number(feature, node.args[end]) for end in ("low", "high"))
        if low > high:
            raise self.fault("The range ends before it begins.", do="Write the lesser end first.")
        ends = exp.Between(this=column(feature), low=double(low), high=double(high))
        return feature, ends

    def compare(self, node: exp.Expr) -> tuple[Feature, exp.Expr]:
        kind, this, other = type(node), node.this, node.args["expression"]
        if not isinstance(this, exp.Column | Happened):
            kind, this, other = MIRRORED[kind], other, this
        feature = self.find(this)
        if kind in FLIPPED:
            self.refuse_order(feature)
        return feature, kind(this=column(feature), expression=self.amount(feature, other))

    def refuse_order(self, feature: Feature) -> None:
        if feature.type == "category":
            raise self.fault(
                f"{feature.name!r} is a category, which is neither more nor less than another.",
                do="Compare it by =, != or IN.",
            )
        if feature.name in self.words.flags:
            raise self.fault(f"{feature.name!r} is yes or no.", do="Say '= true' or '= false'.")

    def amount(self, feature: Feature, node: exp.Expr) -> exp.Expr:
        """A literal of the feature's type: a text, or a number of its unit."""
        if feature.type == "category":
            if not (isinstance(node, exp.Literal) and node.is_string):
                raise self.fault(
                    f"{feature.name!r} is a category and is compared with a number here.",
                    do="Write the value in single quotes, such as 'de'.",
                )
            return exp.Literal.string(node.name)
        return double(self.number(feature, node))

    def number(self, feature: Feature, node: exp.Expr) -> float:
        """In the feature's unit: days of a point in time, 0 or 1 of a yes or no."""
        match node:
            case exp.Boolean() if feature.name in self.words.flags:
                return float(bool(node.this))
            case exp.Boolean():
                raise self.fault(f"{feature.name!r} is a number and not yes or no.")
            case Span() if is_time(feature):
                return in_days(self.number(feature, node.this), node.args["unit"])
            case Span():
                raise self.fault(
                    f"{feature.name!r} is no point in time.",
                    do="Only such as 'last_login' and 'signed_up' are compared with days.",
                )
            case exp.Neg():
                return -self.number(feature, node.this)
            case exp.Literal():
                return self.finite(feature, node)
        raise self.fault("A condition holds one feature against a value, and not another.")

    def finite(self, feature: Feature, literal: exp.Literal) -> float:
        if literal.is_string:
            raise self.fault(
                f"{feature.name!r} is a number and is compared with a text here.",
                do="Write the number without quotes.",
            )
        value = float(literal.name)
        if not math.isfinite(value):
            raise self.fault(f"{literal.name} is too large a number.")
        return value

    def fault(self, what: str, do: str = "docs/segments.md has every phrase.") -> Fault:
        return Fault(what, start=self.span[0], end=self.span[1], do=do)


def in_days(number: float, unit: str) -> float:
    """So many hours, days or weeks as days."""
    if unit == "hours":
        return number / 24
    return number * 7 if unit == "weeks" else number


def column(feature: Feature) -> exp.Column:
    return exp.column(feature.name, quoted=True)


def double(value: float) -> exp.Expr:
    """A literal that DuckDB reads as just this double: without an exponent it reads a decimal."""
    text = repr(abs(value))
    literal = exp.Literal(this=text if "e" in text else f"{text}e0", is_string=False)
    return exp.Neg(this=literal) if value < 0 else literal
