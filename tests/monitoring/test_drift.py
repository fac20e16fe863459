"""Drift is alarmed when it is there, and only then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from lifecycle.profile import QUANTILES
from monitoring import drift as judged
from monitoring.drift import LEAST_SAMPLE, contingency, holm, judge, kolmogorov_smirnov
from tests.monitoring.counted import compare, counted

ROWS, COLUMNS = 2_000, 40


def sample(seed: int, rows: int = ROWS, columns: int = COLUMNS) -> pd.DataFrame:
    """Columns as features come: smooth, skewed with ties, mostly zero, and categories."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for n in range(columns):
        made[f"f{n}"] = (
            rng.normal(size=rows),
            rng.poisson(1.5, size=rows).astype(float),
            rng.exponential(size=rows) * (rng.uniform(size=rows) < 0.2),
            rng.choice([f"level{k}" for k in range(12)], size=rows),
        )[n % 4 if n < 12 else n % 3]
    frame = pd.DataFrame(made)
    frame.loc[rng.uniform(size=rows) < 0.3, "f0"] = np.nan
    return frame


def drifted(reference: pd.DataFrame, current: pd.DataFrame, effect: float = 0.1) -> set[str]:
    found = compare(reference, current, list(reference.columns), effect=effect)
    return {drift.column for drift in found if drift.outcome == "drifted"}


def test_no_false_alarm() -> None:
    """100 pairs of undrifted samples of 2,000 × 40: at most 2 alarm, even by p-value alone."""
    by_both = by_p_value = 0
    for seed in range(100):
        reference, current = sample(2 * seed), sample(2 * seed + 1)
        found = judged.measure(*counted(reference, current, list(reference.columns)))
        by_both += any(drift.outcome == "drifted" for drift in judge(found, effect=0.1))
        by_p_value += any(drift.outcome == "drifted" for drift in judge(found, effect=0.0))
    assert by_both == 0
    assert by_p_value <= 2


def test_power() -> None:
    """A shift of half a standard deviation is found in every one of 50 windows of 400 rows."""
    for seed in range(50):
        reference, current = sample(seed, columns=4), sample(seed + 1000, rows=400, columns=4)
        current["f0"] += 0.5
        assert "f0" in drifted(reference, current)


def test_category_power() -> None:
    """A category whose share goes from 8 to 28 % is found, and named with its distance."""
    reference, current = sample(1, columns=4), sample(2, columns=4)
    current.loc[np.random.default_rng(0).uniform(size=ROWS) < 0.22, "f3"] = "level0"
    found = compare(reference, current, ["f3"], effect=0.1)[0]
    assert found.outcome == "drifted"
    assert found.method == "chi-squared"
    assert found.words.startswith("f3 moved by 0.2")


def test_significant_is_not_enough() -> None:
    """A shift of a twentieth of a standard deviation in 100,000 rows is significant, not drift."""
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"x": rng.normal(size=100_000)})
    current = pd.DataFrame({"x": rng.normal(size=100_000) + 0.05})
    found = compare(reference, current, ["x"], effect=0.1)[0]
    assert found.p_value < 1e-6
    assert found.outcome == "stable"


def test_missing_share_is_its_own_comparison() -> None:
    """Values gone from 30 to 60 % are drift of the missing share, not of the values."""
    reference, current = sample(1, columns=1), sample(2, columns=1)
    current.loc[np.random.default_rng(3).uniform(size=ROWS) < 0.43, "f0"] = np.nan
    found = {drift.what: drift.outcome for drift in compare(reference, current, ["f0"], effect=0.1)}
    assert found == {"missing": "drifted", "values": "stable"}


def test_too_few_rows_could_not_tell() -> None:
    """Fewer values than the least sample are no evidence, however far away they lie."""
    reference = sample(1, columns=2)
    current = (sample(2, rows=LEAST_SAMPLE - 1, columns=2) + 100).astype(float)
    outcomes = {drift.outcome for drift in compare(reference, current, ["f1"], effect=0.1)}
    assert outcomes == {"could not tell"}


def test_a_column_that_is_gone() -> None:
    """A column the window lacks has no values to compare and drifted in what is missing."""
    found = compare(sample(1, columns=2), sample(2, columns=1), ["f1"], effect=0.1)
    assert {(d.what, d.outcome) for d in found} == {
        ("values", "could not tell"), ("missing", "drifted"),
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "int8", "float32"])
def test_any_type_of_number(dtype: str) -> None:
    """Nullable, small and boolean columns compare as the float64 they stand for."""
    rng = np.random.default_rng(0)
    before = pd.Series(rng.integers(0, 2, 500).astype(float))
    after = pd.Series((rng.uniform(size=500) < 0.9).astype(float))
    plain = compare(before.to_frame("x"), after.to_frame("x"), ["x"], effect=0.1)
    typed = compare(
        before.astype(dtype).to_frame("x"), after.astype(dtype).to_frame("x"), ["x"], effect=0.1
    )
    assert typed == plain


def test_handed_in_frames_are_not_changed() -> None:
    """Comparing leaves both frames as they were."""
    reference, current = sample(1), sample(2)
    copies = reference.copy(), current.copy()
    compare(reference, current, list(reference.columns), effect=0.1)
    pd.testing.assert_frame_equal(reference, copies[0])
    pd.testing.assert_frame_equal(current, copies[1])


def test_chi_squared_holds_its_level() -> None:
    """With 50 levels, where Evidently's own chisquare fires 98 % of the time, ours holds 5 %."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        x, y = rng.multinomial(1_000, [1 / 50] * 50, size=2).astype(float)
        hits += contingency(x, y)[1] < 0.05
    assert hits <= 20


values = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=60)
counts = st.lists(st.integers(0, 40).map(float), min_size=2, max_size=8).map(np.array)


@given(x=values, y=values)
@settings(deadline=None, max_examples=60)
def test_ks_is_scipys(x: list[float], y: list[float]) -> None:
    """With a bin for each value D is scipy's and symmetric; for many rows p is scipy's too."""
    few = np.stack([np.bincount(np.array(z, dtype=int) + 5, minlength=11) for z in (x, y)])
    known = ks_2samp(x, y, method="asymp")
    assert kolmogorov_smirnov(*few)[0] == pytest.approx(known.statistic)
    many = ks_2samp(np.repeat(x, 50), np.repeat(y, 50), method="asymp")
    assert kolmogorov_smirnov(*few * 50)[1] == pytest.approx(many.pvalue, abs=0.03)
    assert kolmogorov_smirnov(*few)[0] == pytest.approx(kolmogorov_smirnov(*few[::-1])[0])
    assert kolmogorov_smirnov(few[0], few[0])[0] == 0.0


@given(seed=st.integers(0, 10_000), shift=st.floats(-2, 2), scale=st.floats(0.1, 5))
@settings(deadline=None, max_examples=40)
def test_bins_lose_no_more_than_one_of_them(seed: int, shift: float, scale: float) -> None:
    """D at the edges never exceeds D of the values, and falls short by one bin at most."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, size=640)
    y = np.round(rng.gamma(2.0, size=300) * scale + shift, 1)
    (found,) = compare(pd.DataFrame({"x": x}), pd.DataFrame({"x": y}), ["x"], effect=0.1)
    exact = ks_2samp(x, y).statistic
    assert exact - 1 / QUANTILES - 1e-9 <= found.effect <= exact + 1e-9


@given(x=counts, y=counts)
@settings(deadline=None, max_examples=60)
def test_contingency_is_bounded_and_scipys(x: np.ndarray, y: np.ndarray) -> None:
    """Total variation and p-value lie in [0, 1]; without rare levels p is scipy's."""
    x, y = x[: len(y)] + 1, y[: len(x)] + 1
    effect, p_value = contingency(x, y)
    assert 0 <= effect <= 1 + 1e-12
    assert 0 <= p_value <= 1
    common = contingency(x + 20, y + 20)[1]
    assert common == pytest.approx(chi2_contingency([x + 20, y + 20], correction=False).pvalue)


def test_a_feature_the_model_hardly_uses_weighs_nothing() -> None:
    """Both columns moved alike; the one beyond 95 % of the gain is named and does not count."""
    reference, current = sample(1, columns=3), sample(2, columns=3)
    current[["f1", "f2"]] += 3.0
    found = judged.compare(
        *counted(reference, current, ["f0", "f1", "f2"]), effect=0.1,
        importance={"f0": 5.0, "f1": 4.9, "f2": 0.1},
    )  # fmt: skip
    moved = {drift.column: drift.weighs for drift in found if drift.outcome == "drifted"}
    assert moved == {"f1": True, "f2": False}
    assert {d.column: d.importance for d in found}["f2"] == 0.1


def test_holm_is_the_published_procedure() -> None:
    """Four p-values adjust as in Holm's paper: (m - rank) times each, never falling."""
    frame = sample(1, columns=2)
    drift = compare(frame, frame, ["f1"], effect=0.1)[0]
    found = [replace(drift, p_value=p) for p in (0.01, 0.04, 0.03, 0.005)]
    assert holm(found) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested() -> None:
    """A comparison that could not be made does not make the others stricter."""
    frame = sample(1, columns=2)
    drift = replace(compare(frame, frame, ["f1"], effect=0.1)[0], p_value=0.01)
    untested = replace(drift, outcome="could not tell")
    assert holm([drift, untested]) == [0.01, 1.0]
