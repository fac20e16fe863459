"""One verdict a window, and the reason that a person reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift import ColumnDrift
from monitoring.estimated import Estimate
from monitoring.performance import Performance
from monitoring.quality import Breach
from monitoring.triage import RULES, TRIGGERS, Champion, Evidence, Past, explain, triage
from monitoring.windows import Span, spans

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RIPE = spans(NOW - timedelta(days=14), days=7, count=3)


OFF = {"fine": 0.0, "off": 0.04, "decayed": 0.21}  # mean prediction less outcome


def performance(span: Span, outcome: str, calibration: str = "fine") -> Performance:
    values = {"fine": 0.81, "short": 0.76, "decayed": 0.70, "could not tell": float("nan")}
    value, outcome = values[outcome], "fine" if outcome == "short" else outcome
    return Performance(
        span=span, version=4, answered=900, labelled=850, metrics={"roc_auc": value},
        metric="roc_auc", value=value, low=value - 0.02, high=value + 0.02, baseline=0.80,
        calibration=OFF[calibration], outcome=outcome, calibration_moved=OFF[calibration],
        calibration_outcome="fine" if calibration == "off" else calibration, set_aside="",
    )  # fmt: skip


def windows(*outcomes: str) -> tuple[Performance, ...]:
    """Ripened windows, newest first."""
    return tuple(performance(span, word) for span, word in zip(RIPE, outcomes, strict=False))


def column(name: str = "visits_7d", outcome: str = "drifted") -> ColumnDrift:
    return ColumnDrift(
        column=name, kind="number", method="Kolmogorov–Smirnov", effect=0.31, p_value=1e-9,
        reference_rows=5_000, current_rows=900, outcome=outcome,
    )  # fmt: skip


def past(*rules: str, newest: str = "decayed", version: int = 4, weeks: int = 1) -> Past:
    return Past(
        as_of=NOW - timedelta(days=7 * weeks), outcome="watch", version=version, rules=rules,
        drifted=("visits_7d",), newest=newest,
    )  # fmt: skip


def breach(check: str = "missing") -> Breach:
    return Breach(check=check, column="visits_7d", value=1.0, limit=0.2, words=f"{check} is wrong")


CALM = Evidence(
    task="churn", span=spans(NOW, days=7, count=1)[0], rows=900, due=910, least_rows=300,
    champion=Champion(version=4, first_moment=NOW - timedelta(days=200), previous=3),
    drift=(column(outcome="stable"),), performance=windows("fine", "fine", "fine"),
)  # fmt: skip
YOUNG = Champion(version=4, first_moment=NOW - timedelta(days=30), previous=3)

BAD = windows("decayed", "decayed", "could not tell")
DECAYED = windows("decayed", "decayed", "decayed")
SHORT = windows("short", "decayed", "could not tell")
FALLING = Estimate(metric="roc_auc", value=0.71, baseline=0.80, rows=900, errors=((0.79, 0.80),))

CASES = [
    ("nothing", {}, "ignore", "none drifted; 2026-05-11 00:00 to 2026-05-18 00:00: roc_auc 0.810"),
    ("no labels yet", {"performance": ()}, "ignore", "no window of ripened labels"),
    ("drift without harm", {"drift": (column(),)}, "watch", "visits_7d moved by 0.31"),
    ("drift of what the model hardly uses", {"drift": (replace(column(), weighs=False),)},
     "ignore", "none that matters drifted; 2026-05-11 00:00 to 2026-05-18 00:00: roc_auc 0.810"),
    ("drift before labels", {"drift": (column(),), "performance": ()}, "watch", "no label has rip"),
    ("one bad window", {"performance": windows("decayed", "fine", "fine")}, "watch", "alone trig"),
    ("two bad but not the newest", {"performance": windows("fine", "decayed", "decayed")},
     "watch", "alone triggers nothing"),
    ("decay", {"performance": windows("decayed", "decayed", "fine")}, "retrain",
     "2 of the last 3 windows fell short of what version 4 was approved for"),
    ("decay, newest not judged", {"performance": windows("could not tell", "decayed", "decayed")},
     "retrain", "2 of the last 3"),
    ("decay and drift", {"performance": windows("decayed", "fine", "decayed"),
     "drift": (column(),)}, "retrain", "2 of the last 3"),
    ("base rate", {"performance": tuple(performance(s, "fine", "decayed") for s in RIPE)},
     "retrain", "off on average by +0.21, +0.21, +0.21"),
    ("cooling down", {"performance": windows("decayed", "decayed", "decayed"),
     "retrained": NOW - timedelta(days=3), "cooled_down": False}, "watch", "judged at 2026-05-29"),
    ("budget spent", {"performance": DECAYED, "retrains_this_month": 2}, "watch",
     "has asked for 2 retrains in the last 30 days and may for 2"),
    ("budget left", {"performance": DECAYED, "retrains_this_month": 1}, "retrain", "fell short"),
    ("an alarm stands", {"performance": SHORT, "history": (past("decay"),)}, "watch",
     "is not back: an alarm ends when a window falls short by no more than 0.025"),
    ("an alarm stands through a blind week", {"performance": SHORT, "history": (
        past("too few rows", newest=""), past("cooling down", "decay", weeks=2))}, "watch",
     "is not back"),
    ("a base rate that is not back", {"performance": (performance(RIPE[0], "fine", "off"),),
     "history": (past("base rate"),)}, "watch", "off by no more than 0.025. The newest is"),
    ("an alarm ended", {"performance": windows("fine", "fine", "decayed"),
     "history": (past("decay"),)}, "watch", "alone triggers nothing"),
    ("another version's alarm", {"performance": SHORT,
     "history": (past("decay", version=3),)}, "watch", "alone triggers nothing"),
    ("a drop is expected", {"estimated": FALLING, "drift": (replace(column(), importance=0.4),)},
     "watch", "roc_auc is estimated at 0.710 before labels (off by 0.010 on average in 1 windows"),
    ("a drop is expected of nothing important", {"estimated": FALLING, "drift": (column(),)},
     "watch", "1 of 1 comparisons drifted"),
    ("not back yet", {"drift": (replace(column(outcome="stable"), effect=0.08),),
     "history": (past("drift", newest="fine"),)}, "watch", "visits_7d moved by 0.08"),
    ("back", {"drift": (replace(column(outcome="stable"), effect=0.07),),
     "history": (past("drift", newest="fine"),)}, "ignore", "none drifted"),
    ("bad promotion", {"performance": BAD, "champion": YOUNG},
     "roll back", "never did what it was promoted for"),
    ("bad promotion, measured", {"performance": BAD,
     "champion": replace(YOUNG, previous_gain=(0.05, 0.12))}, "roll back",
     "Version 3 would have done better on the same rows by 0.050 to 0.120"),
    ("the world changed", {"performance": BAD,
     "champion": replace(YOUNG, previous_gain=(-0.02, 0.03))}, "retrain", "fell short"),
    ("no previous", {"performance": BAD,
     "champion": replace(YOUNG, previous=None)}, "retrain", "fell short"),
    ("young, one bad window", {"performance": windows("decayed"), "champion": YOUNG}, "watch",
     "alone triggers nothing"),
    ("young, once fine", {"performance": windows("decayed", "decayed", "fine"),
     "champion": YOUNG}, "retrain", "fell short"),
    ("broken beats decay", {"broken": (breach(),), "drift": (column(),),
     "performance": windows("decayed", "decayed", "decayed")}, "broken data", "missing is wrong"),
    ("online is not offline", {"broken": (breach("skew"),)}, "broken data", "skew is wrong"),
    ("quiet source beats too few", {"broken": (breach("freshness"),), "rows": 0}, "broken data",
     "The source has gone quiet"),
    ("not scored", {"broken": (breach("volume"),), "rows": 10}, "broken data",
     "Run `onramp score churn`."),
    ("too few", {"rows": 299, "broken": (breach(),)}, "insufficient data",
     "299 moments were answered in 2026-05-25 00:00 to 2026-06-01 00:00 (910 were due); 300"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "outcome", "words"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_verdict(changes: dict, outcome: str, words: str) -> None:
    """Each situation gets its verdict, and the deciding reason says why."""
    verdict = triage(replace(CALM, **changes))
    assert verdict.outcome == outcome
    assert words in verdict.reasons[0]


def test_what_else_applied_is_kept() -> None:
    """Broken data decides, and the drift and decay that went with it are still told."""
    verdict = triage(
        replace(CALM, broken=(breach(),), drift=(column(),),
                performance=windows("decayed", "decayed", "fine"))
    )  # fmt: skip
    assert [finding.rule for finding in verdict.findings] == [
        "impossible values", "decay", "drift",
    ]  # fmt: skip


def test_what_triggers_is_not_said_to_trigger_nothing() -> None:
    """A base rate that retrains has no second finding that calls its windows single ones."""
    off = tuple(performance(span, "fine", "decayed") for span in RIPE)
    verdict = triage(replace(CALM, performance=off))
    assert [finding.rule for finding in verdict.findings] == ["base rate"]


def test_a_retrain_says_what_it_answers() -> None:
    """Each rule that retrains names its trigger; where the base rate moved no ranking is lost."""
    assert TRIGGERS == {"decay": "decay", "base rate": "drift"}
    assert TRIGGERS.keys() == {rule.name for rule in RULES if rule.outcome == "retrain"}


def test_many_columns_are_counted_not_listed() -> None:
    """A sentence names five columns and counts the rest."""
    verdict = triage(replace(CALM, drift=tuple(column(f"c{n}") for n in range(40))))
    assert verdict.reasons[0].endswith("and 35 more.")


def test_every_rule_decides_somewhere() -> None:
    """No rule is dead: each one is the deciding one in some case."""
    decided = {triage(replace(CALM, **case[1])).findings[0].rule for case in CASES}
    assert decided == {rule.name for rule in RULES}


def test_every_retrain_has_its_trigger() -> None:
    """Of each rule that retrains, and of no other."""
    assert set(TRIGGERS) == {rule.name for rule in RULES if rule.outcome == "retrain"}


@given(
    rows=st.integers(0, 2_000),
    broken=st.lists(st.sampled_from(("missing", "unit", "freshness", "volume")), max_size=2),
    decay=st.lists(st.sampled_from(("fine", "decayed", "could not tell")), max_size=3),
    champion=st.builds(
        replace, st.sampled_from((YOUNG, CALM.champion)),
        previous_gain=st.sampled_from((None, (0.01, 0.1), (-0.1, 0.1))),
    ),
    cooled=st.booleans(),
    spent=st.integers(0, 4),
    history=st.lists(st.builds(past, st.sampled_from([rule.name for rule in RULES]),
                               newest=st.sampled_from(("", "fine", "decayed"))), max_size=3),
    falling=st.booleans(),
)  # fmt: skip
def test_whatever_the_evidence(  # noqa: PLR0913, PLR0917  one argument a kind of evidence
    rows: int, broken: list[str], decay: list[str], champion: Champion, cooled: bool, spent: int,
    history: list[Past], falling: bool,
) -> None:  # fmt: skip
    """Never is there no verdict; broken, few, single or cooling windows never change the model.

    Nor does what was decided before, or what is expected: only ripened labels do.
    """
    evidence = replace(
        CALM, rows=rows, broken=tuple(map(breach, broken)), performance=windows(*decay),
        champion=champion, retrained=NOW, cooled_down=cooled, retrains_this_month=spent,
        history=tuple(history), drift=(replace(column(), importance=0.4),),
        estimated=FALLING if falling else None,
    )  # fmt: skip
    verdict = triage(evidence)
    looked = explain(evidence)
    assert [one.rule for one in looked if one.decides] == [verdict.rule]
    assert verdict.findings[0].words in [one.words for one in looked]
    assert verdict.reasons
    if broken or rows < 300 or decay.count("decayed") < 2:
        assert verdict.outcome not in ("retrain", "roll back")
    if verdict.outcome == "retrain":
        assert cooled
        assert spent < CALM.retrains_a_month
    if verdict.outcome == "roll back":
        assert champion.first_moment == YOUNG.first_moment
        assert champion.previous_gain is None or champion.previous_gain[0] > 0


def test_every_rule_shows_its_numbers() -> None:
    """Whether it applies or not, each rule says what it looked at, and one of them decides."""
    looked = explain(replace(CALM, performance=DECAYED, drift=(column(),)))
    assert [one.rule for one in looked] == [rule.name for rule in RULES]
    numbers = {one.rule: one.numbers for one in looked}
    assert all(numbers.values())
    assert numbers["too few rows"] == "900 answered, 300 needed"
    assert numbers["decay"].startswith("3 of 3 windows fell short by more than 0.05, 2 needed")
    assert numbers["drift"].startswith("1 of 1 drifted and matter, 0 not back yet")
    assert [one.rule for one in looked if one.applies] == ["decay", "drift", "nothing"]
