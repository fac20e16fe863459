"""The language of rules: a dialect of sqlglot with a marketer's phrases and little of SQL.

Only what is named here can be said: `AND`, `OR`, `NOT`, parentheses, and conditions that hold
one word against numbers, texts or spans of time. There is no function, no sub-query and no
statement in the grammar, so nothing of the kind can be parsed.

The extension points are those that sqlglot's own dialects use: a table of keywords, and the
parser's methods for an equality and what it is made of.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, TokenError
from sqlglot.parser import Parser as SqlParser
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer as SqlTokenizer

from segments.faults import Fault

LONGEST = 2_000
DEEPEST = 50

UNITS = {"HOUR": "hours", "DAY": "days", "WEEK": "weeks"}

COMPARISONS: dict[TokenType, type[exp.Binary]] = {
    TokenType.EQ: exp.EQ, TokenType.NEQ: exp.NEQ, TokenType.GT: exp.GT, TokenType.GTE: exp.GTE,
    TokenType.LT: exp.LT, TokenType.LTE: exp.LTE,
}  # fmt: skip

# The longer of two that begin alike comes first.
AMOUNTS: tuple[tuple[tuple[str, ...], type[exp.Binary]], ...] = (
    (("MORE", "THAN"), exp.GT), (("OVER",), exp.GT), (("LESS", "THAN"), exp.LT),
    (("FEWER", "THAN"), exp.LT), (("UNDER",), exp.LT), (("AT", "LEAST"), exp.GTE),
    (("AT", "MOST"), exp.LTE),
)  # fmt: skip
SPANS: tuple[tuple[tuple[str, ...], type[exp.Binary]], ...] = (
    (("OLDER", "THAN"), exp.GT), (("NEWER", "THAN"), exp.LT), (("WITHIN", "THE", "LAST"), exp.LTE),
    (("WITHIN", "LAST"), exp.LTE), (("WITHIN",), exp.LTE), (("IN", "THE", "LAST"), exp.LTE),
)  # fmt: skip


class Happened(exp.Expression, exp.Condition):
    """`purchase happened`: the word `this` is an event."""


class Span(exp.Expression, exp.Condition):
    """So much time: `this` is the number, `unit` one of `UNITS`' values."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "unit": True}


# All that a tree of this grammar is made of.
KINDS = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.In, exp.Between, exp.Is, exp.Column, exp.Identifier, exp.Literal, exp.Neg, exp.Boolean,
    exp.Null, Happened, Span,
)  # fmt: skip


class Tokenizer(SqlTokenizer):
    """Few keywords: a data set may call its events `order`, `first` or `date`."""

    COMMENTS: ClassVar[list[str | tuple[str, str]]] = []
    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        "AND": TokenType.AND, "OR": TokenType.OR, "NOT": TokenType.NOT, "IN": TokenType.IN,
        "BETWEEN": TokenType.BETWEEN, "IS": TokenType.IS, "==": TokenType.EQ,
        ">=": TokenType.GTE, "<=": TokenType.LTE, "<>": TokenType.NEQ, "!=": TokenType.NEQ,
        "≥": TokenType.GTE, "≤": TokenType.LTE, "≠": TokenType.NEQ,
    }  # fmt: skip


class Parser(SqlParser):
    """A condition or several; each condition remembers its characters in the rule."""

    def raise_error(self, message: str, token: Token | None = None) -> NoReturn:
        found = token or self._curr
        if not found:
            why = "" if "Unexpected token" in message else f" {message}."
            end = len(self.sql)
            raise Fault(f"The rule ends too early.{why}", start=end, end=end, do=HELP)
        if "Unexpected token" in message:
            message = f"{found.text!r} cannot stand here"
        raise Fault(f"{message}.", start=found.start, end=found.end + 1, do=HELP)

    def _parse_equality(self, parse_is: bool = True) -> exp.Expr | None:  # noqa: ARG002  sqlglot's signature
        if self._match(TokenType.NOT):
            return exp.Not(this=self._parse_equality())
        if self._match(TokenType.L_PAREN):
            inner = self._parse_disjunction()
            if not self._match(TokenType.R_PAREN):
                self.raise_error("A parenthesis is not closed")
            return exp.Paren(this=inner)
        start = self._curr.start
        condition = self._condition()
        condition.meta["span"] = (start, self._prev.end + 1)
        return condition

    def _condition(self) -> exp.Expr:
        this = self._operand()
        if self._curr.token_type in COMPARISONS:
            kind = COMPARISONS[self._curr.token_type]
            self._advance()
            return kind(this=this, expression=self._operand())
        if self._match(TokenType.IS):
            return self._is(this)
        if self._match_text_seq("HAPPENED"):
            return self._since(Happened(this=this)) or Happened(this=this)
        if self._match_text_seq("NEVER", "HAPPENED"):
            return exp.Not(this=Happened(this=this))
        found = self._since(this)
        if found is None:
            found = self._set_or_range(this)
        return found

    def _since(self, this: exp.Expr) -> exp.Expr | None:
        """`older than 7 days`, `within last 14 days`, `more than 3`, `at least 2 weeks ago`."""
        for words, kind in SPANS:
            if self._match_text_seq(*words):
                amount = self._operand()
                if not isinstance(amount, Span):
                    self.raise_error("Say how long, such as '7 days'", self._prev)
                return kind(this=this, expression=amount)
        for words, kind in AMOUNTS:
            if self._match_text_seq(*words):
                return kind(this=this, expression=self._operand())
        return None

    def _is(self, this: exp.Expr) -> exp.Expr:
        turned = self._match(TokenType.NOT)
        if self._match_text_seq("MISSING") or self._match_text_seq("NULL"):
            found: exp.Expr = exp.Is(this=this, expression=exp.Null())
        else:
            found = exp.EQ(this=this, expression=self._operand())
        return exp.Not(this=found) if turned else found

    def _set_or_range(self, this: exp.Expr) -> exp.Expr:
        turned = self._match(TokenType.NOT)
        found: exp.Expr
        if self._match(TokenType.IN):
            found = exp.In(this=this, expressions=self._members())
        elif self._match(TokenType.BETWEEN):
            found = self._between(this)
        else:
            self.raise_error("A condition is expected, such as '> 3' or 'within last 7 days'")
        return exp.Not(this=found) if turned else found

    def _members(self) -> list[exp.Expr]:
        if not self._match(TokenType.L_PAREN):
            self.raise_error("A set in parentheses is expected, such as ('de', 'fr')")
        members = [self._operand()]
        while self._match(TokenType.COMMA):
            members.append(self._operand())
        if not self._match(TokenType.R_PAREN):
            self.raise_error("A parenthesis is not closed")
        return members

    def _between(self, this: exp.Expr) -> exp.Expr:
        low = self._operand()
        if not self._match(TokenType.AND):
            self.raise_error("A range needs both ends, such as BETWEEN 3 AND 7")
        high = self._operand()
        if isinstance(high, Span) and not isinstance(low, Span):
            low = Span(this=low, unit=high.args["unit"])
        return exp.Between(this=this, low=low, high=high)

    def _operand(self) -> exp.Expr:
        token = self._curr
        if self._match(TokenType.STRING):
            return exp.Literal.string(token.text)
        if self._match(TokenType.DASH):
            return exp.Neg(this=self._number())
        if token.token_type is TokenType.NUMBER:
            return self._span(self._number())
        if self._match_text_seq("TRUE") or self._match_text_seq("FALSE"):
            return exp.Boolean(this=token.text.upper() == "TRUE")
        if not self._match_set((TokenType.VAR, TokenType.IDENTIFIER)):
            self.raise_error("Unexpected token")
        quoted = token.token_type is TokenType.IDENTIFIER
        name = exp.Identifier(this=token.text if quoted else token.text.lower(), quoted=quoted)
        name.meta["span"] = (token.start, token.end + 1)
        return exp.Column(this=name)

    def _number(self) -> exp.Expr:
        token = self._curr
        if not self._match(TokenType.NUMBER):
            self.raise_error("A number is expected")
        return exp.Literal(this=token.text, is_string=False)

    def _span(self, number: exp.Expr) -> exp.Expr:
        for unit, word in UNITS.items():
            if self._match_text_seq(unit) or self._match_text_seq(f"{unit}S"):
                self._match_text_seq("AGO")
                return Span(this=number, unit=word)
        if self._curr.token_type is TokenType.VAR:
            self.raise_error(f"{self._curr.text!r} is no unit: say hours, days or weeks")
        return number


class Rules(Dialect):
    """Marketers' rules."""

    Tokenizer = Tokenizer
    Parser = Parser


HELP = "docs/segments.md has every phrase."


def parse(rule: str) -> exp.Expr:
    """The tree of a rule, its words not yet looked up.

    Raises:
        Fault: it cannot be read.
    """
    if len(rule) > LONGEST or rule.count("(") > DEEPEST:
        raise Fault(
            f"A rule has at most {LONGEST} characters and {DEEPEST} parentheses.",
            start=0, end=0, do="Make two segments of it.",
        )  # fmt: skip
    try:
        tokens = Rules().tokenize(rule)
    except TokenError as error:
        raise Fault("A quote is not closed.", start=0, end=len(rule), do=HELP) from error
    found = Parser(error_level=ErrorLevel.IMMEDIATE, dialect=Rules()).parse_into(
        exp.Condition, tokens, rule
    )
    if len(found) != 1 or found[0] is None:
        raise Fault("A rule is one condition, or several with AND and OR.",
                    start=0, end=len(rule), do=HELP)  # fmt: skip
    refuse_other_kinds(found[0])
    return found[0]


def refuse_other_kinds(tree: exp.Expr) -> None:
    """A second lock: whatever a later sqlglot parses of its own accord goes no further."""
    for node in tree.walk():
        if type(node) not in KINDS:
            raise Fault(f"A rule cannot hold {type(node).__name__}.", start=0, end=0, do=HELP)
