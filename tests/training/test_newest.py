"""What a retrain holds back and learns from, against brute force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import DataError
from lifecycle.gate import AtLeast, Better, Gate, NotWorse
from lifecycle.row_keys import Keys, row_keys
from tests.training.conftest import CHURN, make_frame, make_set
from training.jury import jurors
from training.newest import WINDOWS, Window, bounded, choose, for_retrain, needed, with_window
from training.promotion.unseen import after
from training.splits import Shares, split

START = datetime(2025, 1, 1, tzinfo=UTC)
GATE = Gate(rules=(NotWorse("roc_auc", margin=0.01),))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Customers with one to five moments, sign-ups that tie, labels of either class."""
    seed, customers = draw(st.integers(0, 10_000)), draw(st.integers(150, 400))
    span, horizon = draw(st.integers(30, 200)), draw(st.integers(1, 14))
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{i}", START + timedelta(days=int(day)), START + timedelta(days=int(day + later)))
        for i, day in enumerate(rng.integers(0, span, customers))
        for later in (1, 3, 7, 14, 30)[: rng.integers(1, 6)]
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "signed_up_at", "event_timestamp"])
    frame["label_end"] = frame["event_timestamp"] + timedelta(days=horizon)
    frame["label"] = rng.random(len(frame)) < 0.4
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@given(tables(), st.integers(31, 120), st.sampled_from((0, 14, 28)))
@settings(deadline=None, max_examples=40)
def test_no_row_is_learned_from_and_judged_on(frame: pd.DataFrame, enough: int, days: int) -> None:
    """By brute force over all pairs of rows: nobody on both sides, nothing learned from later.

    And nothing that could have been learned from is left out.
    """
    shares = Shares(enough=enough, enough_to_calibrate=35, embargo=False, days=days, jury=0.25)
    try:
        found = split(frame, shares)
    except DataError:
        return
    rows = list(frame.itertuples())
    jury = set(frame["customer_id"][jurors(frame["customer_id"], 0.25)])
    learned = [rows[i] for i in (*found.train, *found.calibrate)]
    judged = [rows[i] for i in found.test]
    for one in learned:
        for other in judged:
            assert one.customer_id != other.customer_id
            assert one.signed_up_at < other.signed_up_at or other.customer_id in jury
            assert one.event_timestamp < other.event_timestamp
    begun = min(row.event_timestamp for row in judged)
    first = begun - timedelta(days=days) if days else pd.Timestamp.min.tz_localize("UTC")
    could = {
        row.Index
        for row in rows
        if row.signed_up_at < found.test_from
        and first <= row.event_timestamp < begun
        and not (row.customer_id in jury and row.signed_up_at >= found.jury_from)
    }
    late = {row.Index for row in rows if row.event_timestamp >= begun}
    assert late - {row.Index for row in judged} <= {
        row.Index
        for row in rows
        if row.signed_up_at < found.test_from and row.customer_id not in jury
    }
    assert could == {row.Index for row in learned}
    assert len(learned) + len(judged) + found.embargoed + found.outdated == len(frame)


@given(tables(), st.integers(31, 120))
@settings(deadline=None, max_examples=30)
def test_the_test_is_the_least_that_is_enough(frame: pd.DataFrame, enough: int) -> None:
    """It holds so many rows of the rarest class, and one sign-up day less would not; or 22 %."""
    shares = Shares(enough=enough, embargo=False)
    try:
        found, usual = split(frame, shares), split(frame)
    except DataError:
        return
    test = frame.iloc[found.test]
    assert found.test_from >= usual.test_from
    if test["label"].value_counts().min() < enough:
        assert found.test_from == usual.test_from
    if found.test_from > usual.test_from:
        less = test[test["signed_up_at"] > found.test_from]
        assert less["label"].astype(int).value_counts().reindex((0, 1)).fillna(0).min() < enough


@given(tables(), st.integers(31, 120))
@settings(deadline=None, max_examples=20)
def test_the_gate_may_judge_the_whole_test_and_nothing_learned(
    frame: pd.DataFrame, enough: int
) -> None:
    """Rows after the version are its test and what came of later customers; no learned key."""
    try:
        found = split(frame, Shares(enough=enough, embargo=False, jury=0.25))
    except DataError:
        return
    assert found.jury_from is not None
    seen = np.concatenate([found.train, found.calibrate])

    facts = {
        "test_signed_up_from": found.test_from.isoformat(),
        "learned_before": found.test_starts.isoformat(),
        "labels_known_until": frame["label_end"].iloc[seen].max().isoformat(),
        "jury": {"share": 0.25, "signed_up_from": found.jury_from.isoformat()},
    }
    version = Version(facts=facts, keys=np.unique(row_keys(frame.iloc[seen])))
    judged = after(frame, [version])
    assert set(np.flatnonzero(judged)) == set(found.test)
    assert not np.isin(row_keys(frame[judged]), version.keys).any()


def test_what_the_gate_needs() -> None:
    """More to show that nothing is lost than that much is regained; never less than its least."""
    equal, regained, much = (needed(GATE, gain) for gain in (0.0, 0.05, 0.3))
    assert 1_000 < equal < 1_500
    assert 300 <= much <= regained < equal
    assert much == 10 * GATE.least_positives  # monitoring compares with these rows, too
    assert needed(Gate(rules=(AtLeast("roc_auc", 0.5),)), 0.0) == equal
    assert needed(Gate(rules=(Better("roc_auc"),)), 0.0) == 0  # no number of rows is enough
    assert bounded(GATE).embargo is False


@dataclass(frozen=True, kw_only=True)
class Version:
    """What the gate asks of a version."""

    facts: Mapping[str, Any]
    keys: Keys


def changing(days: int, seed: int, *, change: int | None = None) -> pd.DataFrame:
    """Forty customers a day; from day `change` on, what meant yes means no."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 40)
    x = rng.normal(size=len(day))
    sign = np.where(day >= (days if change is None else change), -1.0, 1.0)
    moment = START + pd.to_timedelta(day + rng.uniform(size=len(day)), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(len(day))],
            "event_timestamp": moment,
            "signed_up_at": moment - pd.Timedelta(days=1),
            "label_end": moment + pd.Timedelta(days=14),
            "label": rng.random(len(day)) < 1 / (1 + np.exp(-2 * sign * x)),
            "x": x,
        }
    )


def chosen(frame: pd.DataFrame) -> Window:
    x, labels = frame["x"].to_numpy(), frame["label"].to_numpy().astype(np.int64)

    def fit(rows: np.ndarray, judges: np.ndarray) -> np.ndarray:
        """The share of yes on either side of nought, smoothed."""
        up = x[rows] > 0
        shares = [(labels[rows][side].sum() + 1) / (side.sum() + 2) for side in (~up, up)]
        p = np.where(x[judges] > 0, shares[1], shares[0])
        return np.column_stack([1 - p, p])

    return choose("binary", frame, labels, bounded(GATE, 0.05), fit)


def test_a_changed_world_is_learned_from_its_own_rows() -> None:
    """Four weeks after a change the last weeks are chosen over all history, by later rows."""
    window = chosen(changing(150, 1, change=120))
    assert window.days in WINDOWS
    assert window.losses[window.days] < window.losses[0]
    assert "Learned from the last" in window.words


def test_a_calm_world_keeps_all_its_history() -> None:
    """Where nothing changed a shorter window is chosen in few of many worlds."""
    shorter = sum(bool(chosen(changing(150, seed)).days) for seed in range(20))
    assert shorter <= 3


def test_too_little_to_choose_by() -> None:
    """A short table keeps everything, and says why."""
    window = chosen(changing(3, 1))
    assert (window.days, window.losses) == (0, {})
    assert "too few rows" in window.words


def test_a_retrain_of_a_real_task() -> None:
    """By a quick booster on the task's own columns; the shares can be written down and read."""
    shares, window = for_retrain(CHURN, make_set(make_frame(customers=900)))
    assert shares == with_window(replace(shares, days=0), window)
    assert shares.enough > 0
    assert window.judged_on > 0
    assert window.losses[0] == pytest.approx(min(window.losses.values()), abs=0.1)


def test_the_jury_judges_late_moments() -> None:
    """A test of few days has moments of every age, a quarter of those older than its sign-ups."""
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(120), 20)
    who = np.repeat(np.arange(len(day)), 5)
    later = np.tile((1, 3, 7, 14, 30), len(day))
    signed_up = START + pd.to_timedelta(day[who], unit="D")
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in who],
            "signed_up_at": signed_up,
            "event_timestamp": signed_up + pd.to_timedelta(later, unit="D"),
            "label_end": signed_up + pd.to_timedelta(later + 14, unit="D"),
            "label": rng.random(len(who)) < 0.4,
        }
    )
    frame = frame[frame["label_end"] <= START + timedelta(days=121)]
    ages = (frame["event_timestamp"] - frame["signed_up_at"]).dt.days
    alone = split(frame, Shares(enough=60, embargo=False))
    beside = split(frame, Shares(enough=60, embargo=False, jury=0.25))
    assert set(ages.iloc[alone.test]) < {1, 3, 7, 14, 30}
    assert set(ages.iloc[beside.test]) == {1, 3, 7, 14, 30}
    older = frame.iloc[beside.test]["signed_up_at"] < beside.test_from
    could = (frame["event_timestamp"] >= beside.test_starts) & (
        frame["signed_up_at"] < beside.test_from
    )
    assert older.sum() / could.sum() == pytest.approx(0.25, abs=0.1)


def test_jurors_are_the_same_everywhere() -> None:
    """By name alone, in any order, and about as many as asked."""
    names = pd.Series([f"c{n}" for n in range(4_000)])
    chosen = jurors(names, 0.25)
    assert chosen.mean() == pytest.approx(0.25, abs=0.03)
    assert np.array_equal(jurors(names[::-1], 0.25)[::-1], chosen)
    assert names[chosen].head(4).tolist() == ["c0", "c1", "c2", "c10"]
