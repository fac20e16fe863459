"""The shipped file on every shipped data set, and files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.dataset import DataSet, read_dataset
from lifecycle.errors import DataError, UsageError
from segments.faults import RuleError, UnknownWord
from segments.file import SHIPPED, read_file
from segments.plan import Plan, make_plan
from segments.words import words_of

DATASETS = Path(__file__).resolve().parents[2] / "datasets"

LIFECYCLE = ["new", "loyal", "active", "dormant", "churned"]


def shipped(name: str) -> Plan:
    return make_plan(SHIPPED, read_dataset(DATASETS / f"{name}.toml"))


def own(path: Path, text: str, toy: DataSet) -> Plan:
    path.write_text(text, encoding="utf-8")
    return make_plan(path, toy)


def test_the_customers_own_examples_ship() -> None:
    """On the simulated data nothing is left out, and the rules are those that were asked for."""
    plan = shipped("simulated")
    assert plan.left_out == ()
    assert {one.label: one.rule.text for one in plan.segments if one.rule} == {
        "Highly engaged & new": "session_count > 5 AND signed_up within 7 days",
        "Dormant": "last_login over 30 days ago",
        "Active & engaged": "sessions_a_week > 3 OR feature_usage_score > 80",
        "Engaged, then quiet": "session_count > 3 AND last_login older than 7 days",
    }
    assert [one.name for one in plan.lifecycle] == LIFECYCLE
    assert plan.rfm is not None
    assert list(plan.rfm.scores) == ["recency", "frequency", "monetary"]


@pytest.mark.parametrize("name", ["online_retail", "oulad"])
def test_what_a_data_set_cannot_carry_is_left_out_with_its_reason(name: str) -> None:
    """A shop without sessions and logins still has its lifecycle and its scores."""
    plan = shipped(name)
    assert {one.name: one.reason for one in plan.left_out} == {
        "segments.highly_engaged_and_new": "No feature named 'sessions_since_sign_up', which is "
        "what 'session_count' stands for.",
        "segments.dormant": "No feature or word named 'last_login'.",
        "segments.active_and_engaged": "No feature named 'sessions_7d', which is what "
        "'sessions_a_week' stands for.",
        "segments.engaged_then_quiet": "No feature named 'sessions_since_sign_up', which is what "
        "'session_count' stands for.",
    }
    assert [one.name for one in plan.lifecycle] == LIFECYCLE
    assert plan.rfm is not None


def test_every_segment_and_stage_says_what_it_is_for() -> None:
    """A marketer who reads the shipped file finds a label and a sentence for each."""
    file = read_file(SHIPPED)
    for group in (*file.segments.values(), *file.lifecycle.values()):
        assert group.label
        assert group.description.endswith(".")


def test_ones_own_file_is_held_to_the_data_set(tmp_path: Path, toy: DataSet) -> None:
    """What would be left out of the shipped file is an error in one's own."""
    with pytest.raises(UnknownWord, match=r"'last_lgoin'.*own.toml.*Did you mean 'last_login'\?"):
        own(tmp_path / "own.toml", '[segments.x]\nrule = "last_lgoin within 7 days"', toy)


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path, toy: DataSet) -> None:
    """Two slips cost one round, not two."""
    text = """
[segments.one]
rule = "sesions_7d > 3"
[segments.two]
rule = "age > 'x'"
[rfm]
recency = "country"
frequency = "active_days_30d"
"""
    with pytest.raises(RuleError, match=r"3 rules in .*own.toml cannot be read") as error:
        own(tmp_path / "own.toml", text, toy)
    for part in ("segments.one", "Did you mean 'sessions_7d'?", "segments.two", "rfm.recency",
                 "'country' is a category and has no order"):  # fmt: skip
        assert part in str(error.value)


def test_the_shipped_words_are_known_to_every_file(tmp_path: Path, toy: DataSet) -> None:
    """One's own file adds words; it need not repeat those that ship."""
    text = (
        '[words]\nspent = "value_sum_30d"\n[segments.x]\nrule = "spent > 9 AND session_count > 1"'
    )
    (one,) = own(tmp_path / "own.toml", text, toy).segments
    assert one.rule is not None
    assert one.rule.features == ("value_sum_30d", "sessions_since_sign_up")
    assert one.label == "X"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[segments.X]\nrule = "age > 1"', "segments.X"),
        ('[segments.a__b]\nrule = "age > 1"', "segments.a__b"),
        ('[segments.likely_y]\nrule = "age > 1"', "no name ends in '_y'"),
        ('[segments.x]\nrule = "otherwise"', "no rule is 'otherwise'"),
        ('[segments.x]\nrul = "age > 1"', "segments.x.rul: Extra inputs"),
        ('[lifecycle.new]\nrule = "age > 1"', "lifecycle: the last one, and no other"),
        (
            '[lifecycle.a]\nrule = "otherwise"\n[lifecycle.b]\nrule = "otherwise"',
            "lifecycle: the last one, and no other, has the rule 'otherwise'",
        ),
        ("[limits]\nleast_share = 2", "limits.least_share"),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, toy: DataSet, text: str, message: str
) -> None:
    """A name that breaks a column, a stage for nobody, a misspelt key: told with the key."""
    with pytest.raises(DataError, match=f"does not describe segments.*{message}"):
        own(tmp_path / "own.toml", text, toy)


def test_a_file_that_is_not_there_is_told(tmp_path: Path, toy: DataSet) -> None:
    """Naming no file ends in a sentence."""
    with pytest.raises(UsageError, match="No file of segments"):
        make_plan(tmp_path / "none.toml", toy)


def test_every_event_has_its_words(toy: DataSet) -> None:
    """For each event `last_<event>` and `<event> happened`; for each column of the profile one."""
    words = words_of(toy)
    for event in toy.vocabulary.events:
        assert words.aliases[f"last_{event}"] == f"days_since_last_{event}"
        assert words.event(event, (0, 1)).name == f"days_since_last_{event}"
    assert {words.aliases[word] for word in toy.profile} == {f"profile_{n}" for n in toy.profile}
