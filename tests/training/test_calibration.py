"""Calibration repairs what balancing breaks, and leaves alone what is right."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lifecycle.metrics import metric
from training.balancing.balance import class_weights
from training.calibration import (
    CLEARLY,
    PENALTY,
    by_gradient,
    choose,
    fit_beta,
    fit_isotonic,
    fit_scaling,
    offered,
    platt,
    prior_shift,
    simplest,
    standard_error,
)
from training.model import calibrate


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in a training: small sums are quicker without threads on busy cores."""
    with threadpool_limits(limits=1):
        yield


def draw(n: int, seed: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.linspace(2, 1, classes), n)
    labels = (p.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return p, labels.astype(np.int64)


def customers(n: int) -> pd.Series:
    return pd.Series([f"c{i // 3}" for i in range(n)])


@pytest.mark.parametrize("classes", [2, 4])
def test_true_probabilities_are_left_alone(classes: int) -> None:
    """Where nothing is wrong, no calibrator is the choice."""
    p, labels = draw(3_000, 1, classes)
    assert choose(p, labels, customers(3_000), 0).calibrator["method"] == "none"


@pytest.mark.parametrize("classes", [2, 4])
def test_balanced_probabilities_are_repaired(classes: int) -> None:
    """Probabilities as class weights leave them come back to about the truth's log-loss."""
    p, labels = draw(4_000, 2, classes)
    skewed = p * np.geomspace(1, 6, classes)
    skewed /= skewed.sum(axis=1, keepdims=True)
    found = choose(skewed[:2_000], labels[:2_000], customers(2_000), 0)
    repaired = calibrate(found.calibrator, skewed[2_000:])
    kind = "binary" if classes == 2 else "multiclass"
    truth = metric(kind, "log_loss", labels[2_000:], p[2_000:])
    raw = metric(kind, "log_loss", labels[2_000:], skewed[2_000:])
    assert found.calibrator["method"] == "scaling"
    assert metric(kind, "log_loss", labels[2_000:], repaired) < truth + 0.1 * (raw - truth)


def test_a_bent_curve_takes_isotonic() -> None:
    """What no sigmoid can mend is mended by steps."""
    p, labels = draw(6_000, 3)
    bent = np.where(p[:, 1] < 0.5, 0.02 * p[:, 1], 0.96 + 0.04 * p[:, 1])
    raw = np.column_stack([1 - bent, bent])
    assert choose(raw, labels, customers(6_000), 0).calibrator["method"] == "isotonic"


@given(seed=st.integers(0, 999), n=st.integers(5, 300))
@settings(deadline=None, max_examples=30)
def test_isotonic_keeps_the_order_of_all_rows(seed: int, n: int) -> None:
    """No two rows are tied that were not: a ranking by the calibrated is that by the raw."""
    p, labels = draw(n, seed)
    order = np.argsort(p[:, 1])
    found = calibrate(fit_isotonic(p, labels), p)[order, 1]
    assert (np.diff(found)[np.diff(p[order, 1]) > 1e-9] > 0).all()


def test_isotonic_goes_through_the_middles_of_its_steps() -> None:
    """Three steps by hand: 0 of 2, 1 of 2, 2 of 2 yeses (kept off 0 and 1)."""
    p = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9])
    found = fit_isotonic(np.column_stack([1 - p, p]), np.array([0, 0, 1, 0, 1, 1]))
    (curve,) = found["curves"]
    assert curve["x"] == pytest.approx([0, 0.15, 0.5, 0.85, 1])
    low, high = 0.125, 0.875
    assert curve["y"] == pytest.approx([low * 2 / 3, low, 0.5, high, (high * 2 + 1) / 3])


@given(seed=st.integers(0, 999), classes=st.integers(2, 4), data=st.data())
@settings(deadline=None, max_examples=30)
def test_calibrated_rows_are_probabilities(seed: int, classes: int, data: st.DataObject) -> None:
    """Whatever went in, rows sum to one inside (0, 1), and the calibrator survives JSON."""
    fits = offered(classes, {0: -0.5, 1: 2.0})
    method = data.draw(st.sampled_from(sorted(fits)))
    p, labels = draw(200, seed, classes)
    calibrator = json.loads(json.dumps(fits[method](p, labels)))
    extreme = np.eye(classes)[labels]
    assert calibrator["method"] == method
    for raw in (p, extreme):
        found = calibrate(calibrator, raw)
        assert found.sum(axis=1) == pytest.approx(1)
        assert ((found > 0) & (found < 1)).all()


@given(seed=st.integers(0, 999), n=st.integers(4, 200), slope=st.floats(0.2, 5))
@settings(deadline=None, max_examples=30)
def test_newton_finds_what_the_gradient_finds(seed: int, n: int, slope: float) -> None:
    """The quick fit of two classes is as likely as the general one, and within its bounds."""
    p, labels = draw(n, seed)
    raw = calibrate({"method": "scaling", "temperature": slope, "bias": [0, 1]}, p)
    logs = np.log(raw)
    quick = platt(logs[:, 1] - logs[:, 0], labels)

    def loss(found: tuple[float, ...]) -> float:
        calibrator = {"method": "scaling", "temperature": 1 / found[0], "bias": [0, found[1]]}
        calibrated = calibrate(calibrator, raw)
        return metric("binary", "log_loss", labels, calibrated) + PENALTY * found[1] ** 2

    if quick is not None:
        assert 0.05 <= quick[0] <= 20
        assert loss(quick) == pytest.approx(loss(by_gradient(logs, labels)), abs=1e-5)


def test_perfect_ranks_do_not_send_the_slope_to_infinity() -> None:
    """Where Newton's method has no end, the bounded fit takes over."""
    raw = np.column_stack([np.linspace(0.9, 0.1, 40), np.linspace(0.1, 0.9, 40)])
    labels = (raw[:, 1] > 0.5).astype(np.int64)
    logs = np.log(raw)
    assert platt(logs[:, 1] - logs[:, 0], labels) is None
    assert 1 / fit_scaling(raw, labels)["temperature"] == pytest.approx(20)


def test_beta_undoes_a_beta_distortion() -> None:
    """Ends bent differently, which no sigmoid mends, come back; the parameters are the truth's."""
    p, labels = draw(40_000, 5)
    undone = fit_beta(p, labels)
    assert (undone["a"], undone["b"]) == pytest.approx((1, 1), abs=0.05)
    bent = calibrate({"method": "beta", "a": 0.4, "b": 1.6, "c": 0.2}, p)
    inverse = calibrate(fit_beta(bent[:20_000], labels[:20_000]), bent[20_000:])
    truth = metric("binary", "log_loss", labels[20_000:], p[20_000:])
    sigmoid = calibrate(fit_scaling(bent[:20_000], labels[:20_000]), bent[20_000:])
    mended = metric("binary", "log_loss", labels[20_000:], inverse)
    assert mended < truth + 0.2 * (metric("binary", "log_loss", labels[20_000:], sigmoid) - truth)


def test_ends_that_bend_differently_take_beta() -> None:
    """Where the truth is a beta curve of what the booster says, beta is the choice."""
    raw, _ = draw(6_000, 7)
    truth = calibrate({"method": "beta", "a": 0.3, "b": 2.5, "c": 0.0}, raw)[:, 1]
    labels = (np.random.default_rng(8).random(6_000) < truth).astype(np.int64)
    found = choose(raw, labels, customers(6_000), 0)
    assert found.calibrator["method"] == "beta"
    assert (found.calibrator["a"], found.calibrator["b"]) == pytest.approx((0.3, 2.5), abs=0.4)


@given(seed=st.integers(0, 99), a=st.floats(0.05, 5), b=st.floats(0.05, 5))
@settings(deadline=None, max_examples=20)
def test_no_calibrator_of_two_classes_turns_rows_around(seed: int, a: float, b: float) -> None:
    """Every curve is monotone: calibration may tie rows, never swap them."""
    p, labels = draw(150, seed)
    raw = calibrate({"method": "beta", "a": a, "b": b, "c": 0.0}, p)
    order = np.argsort(raw[:, 1], kind="stable")
    for fit in offered(2, {0: 0.3}).values():
        assert (np.diff(calibrate(fit(raw, labels), raw)[order, 1]) >= -1e-12).all()


@pytest.mark.parametrize("classes", [2, 4])
def test_the_prior_undoes_weights_exactly(classes: int) -> None:
    """Probabilities under weighed shares times the known shift are those of the true shares."""
    p, labels = draw(4_000, 6, classes)
    weights = class_weights(labels)
    shift = prior_shift(labels, labels, weights)
    assert shift is not None
    raw = p * class_weights(labels)[[int(np.flatnonzero(labels == c)[0]) for c in range(classes)]]
    raw /= raw.sum(axis=1, keepdims=True)
    found = choose(raw, labels, customers(4_000), 0, shift=shift)
    assert found.calibrator["method"] == "prior"
    assert calibrate(found.calibrator, raw) == pytest.approx(p, abs=1e-5)


def test_the_prior_is_offered_only_where_shares_were_changed() -> None:
    """The same shares have no shift, and without one there is no such choice."""
    labels = np.array([0, 0, 0, 1])
    assert prior_shift(labels, np.tile(labels, 2)) is None
    assert prior_shift(labels, np.array([0, 0, 1, 1])) == pytest.approx(
        {0: np.log(0.75 / 0.5), 1: np.log(0.25 / 0.5)}
    )
    assert "prior" not in offered(2, None)
    assert list(offered(2, {1: 1.0})) == ["none", "prior", "scaling", "beta", "isotonic"]
    assert "beta" not in offered(3, None)


def test_isotonic_rarely_wins_on_few_rows() -> None:
    """It follows noise: on 300 rows with a plain shift it is chosen in none of 30 draws."""
    chosen = set()
    for seed in range(30):
        p, labels = draw(300, seed)
        raw = calibrate({"method": "scaling", "temperature": 1.0, "bias": [0, 1.2]}, p)
        chosen.add(choose(raw, labels, customers(300), seed).calibrator["method"])
    assert "isotonic" not in chosen


def test_the_simplest_wins_within_the_noise() -> None:
    """A lower mean that few entities carry is not enough; one that all carry is."""
    codes = np.arange(100)
    even = np.full(100, 0.5)
    lucky = even - 0.01 + np.where(codes % 2, 0.5, -0.5)
    assert simplest({"none": even, "scaling": lucky}, codes) == "none"
    assert simplest({"none": even, "scaling": even - 0.01}, codes) == "scaling"
    assert simplest({"none": even, "scaling": even - CLEARLY / 2}, codes) == "none"


def test_rows_of_one_entity_are_one_witness() -> None:
    """Copies of every row leave the error as it was."""
    values = np.random.default_rng(0).normal(size=50)
    alone = standard_error(values, np.arange(50))
    copied = standard_error(np.repeat(values, 4), np.repeat(np.arange(50), 4))
    assert copied == pytest.approx(alone)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(50))


@pytest.mark.parametrize(("rows", "labels"), [(0, []), (3, [0, 1, 1]), (4, [1, 1, 1, 1])])
def test_nothing_to_learn_from_is_no_crash(rows: int, labels: list[int]) -> None:
    """No row, one entity, one class: what is known is taken, which is nothing or the shift."""
    raw, truth = np.full((rows, 2), 0.5), np.array(labels, dtype=np.int64)
    who = np.array(["a"] * rows) if rows < 4 else np.arange(rows)
    assert choose(raw, truth, who, 0).calibrator == {"method": "none"}
    known = choose(raw, truth, who, 0, shift={1: 2.0})
    assert known.calibrator == {"method": "prior", "temperature": 1.0, "bias": [0.0, 2.0]}
    assert set(known.losses.values()) == {float("inf")}


def test_an_unknown_calibrator_is_refused() -> None:
    """A version from a later release does not silently score raw."""
    with pytest.raises(ValueError, match="unknown calibrator 'spline'"):
        calibrate({"method": "spline"}, np.array([[0.5, 0.5]]))
