"""An error says what, what was found, what to do, and ends in a number a scheduler can trust."""

from __future__ import annotations

import pytest

from lifecycle import errors
from lifecycle.errors import OnrampError, UnknownName


def every_kind(kind: type[OnrampError] = OnrampError) -> list[type[OnrampError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in every_kind(child))]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.OnrampError, 1), (errors.UsageError, 2), (errors.UnknownName, 2),
        (errors.DataError, 3), (errors.Unsupported, 3), (errors.NotReady, 4), (errors.Busy, 5),
        (errors.Refused, 10), (errors.Undecided, 11), (errors.Differs, 12),
    ],
)  # fmt: skip
def test_exit_codes_are_a_contract(kind: type[OnrampError], code: int) -> None:
    """Each kind of error ends in the code that its docstring and the docs promise."""
    assert kind.exit_code == code


def test_the_tree_in_the_docstring_is_whole() -> None:
    """Every error of ours stands in the module's picture of them."""
    ours = [kind for kind in every_kind() if kind.__module__ == errors.__name__]
    assert ours
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in ours)


def test_three_sentences() -> None:
    """The text is what, what was found, what to do; what is empty leaves no gap."""
    assert str(OnrampError("It broke.", found="A crack.", do="Mend it.")) == (
        "It broke. A crack. Mend it."
    )
    assert str(OnrampError("It broke.", do="Mend it.")) == "It broke. Mend it."


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("chrun", ["preference", "churn"],
         "No task named 'chrun'. Known tasks: churn, preference. Did you mean 'churn'?"),
        ("zzz", ["churn"], "No task named 'zzz'. Known tasks: churn."),
        ("zzz", [], "No task named 'zzz'. Known tasks: none."),
        ("tt3", [f"t{n}" for n in range(30)],
         ("No task named 'tt3'. 30 tasks are known, nearest: t3, t23, t13. "
         "Did you mean 't3'?")),
        ("zzz", [f"t{n}" for n in range(30)], "No task named 'zzz'. 30 tasks are known."),
    ],
)  # fmt: skip
def test_unknown_name(name: str, known: list[str], text: str) -> None:
    """A wrong name is answered with the known ones, and the nearest when one is near."""
    assert str(UnknownName("task", name, known)) == text
