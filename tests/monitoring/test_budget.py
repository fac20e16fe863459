"""What an alarm costs when nothing is wrong is measured, and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from lifecycle import version_files
from lifecycle.home import Home
from lifecycle.profile import profile_of, shape_of
from lifecycle.registry import Registry
from lifecycle.task import Monitor
from monitoring.approved import Approved
from monitoring.budget import DRAWS, Budget, budgets, deals, recorded
from monitoring.performance import Yardstick, answers, clustered_error
from monitoring.profile import Reference
from tests.serving.forge import Recipe, forge

ROWS, A_CUSTOMER = 1_200, 3


def reference(*, effect: float = 0.1, alike: bool = False, tolerated: float = 0.05) -> Reference:
    """Three moments a customer; with `alike` a customer's rows are all the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS // A_CUSTOMER if alike else ROWS)
    x = np.repeat(x, A_CUSTOMER) if alike else x
    prediction = 1 / (1 + np.exp(-x))
    frame = pd.DataFrame(
        {"customer_id": [f"c{n // A_CUSTOMER:03}" for n in range(ROWS)],
         "event_timestamp": pd.date_range("2026-01-01", periods=ROWS, freq="5min", tz="UTC"),
         "x": x, "label": rng.uniform(size=ROWS) < prediction, "prediction": prediction}
    )  # fmt: skip
    gaps = (frame["prediction"] - frame["label"]).to_numpy(dtype=np.float64)
    error = clustered_error(gaps, frame["customer_id"].to_numpy(dtype=object))
    shapes = [shape_of(name, frame[name]) for name in ("x", "prediction")]
    monitor = Monitor(effect=effect, tolerated_loss=tolerated, least_rows=100)
    known: Any = SimpleNamespace(
        reference=frame, features=("x",), answers=("prediction",), classes=("no", "yes"),
        yardstick=Yardstick(
            kind="binary", monitor=monitor, baseline=0.75, calibration=float(gaps.mean()),
            calibration_error=error,
        ),
    )  # fmt: skip
    found = profile_of(frame, shapes)
    return Reference(against=cast("Approved", known), profile=found, whole=found.whole())


def of(found: tuple[Budget, ...]) -> dict[str, Budget]:
    return {budget.alarm: budget for budget in found}


def test_sound_alarms_cost_little(tmp_path: Path) -> None:
    """Where hardly any dealt window drifts or breaks, it says so, and how sure that is."""
    found = of(
        budgets(reference(effect=0.15), rows=600, labelled=600, days=7, cache=tmp_path / "b.json")
    )
    assert (found["drift"].alarms, found["broken data"].alarms) == (0, 0)
    assert found["drift"].a_month == 0
    assert found["drift"].at_most == pytest.approx((1 - 0.05 ** (1 / DRAWS)) * 30.4 / 7)
    assert "0 of 200 windows of 512 rows dealt from the reference" in found["drift"].words


def test_a_trigger_happy_threshold_is_told(tmp_path: Path) -> None:
    """Customers whose moments are alike look like more rows than they are: that is measured."""
    dealt = of(
        budgets(
            reference(effect=0.0, alike=True), rows=600, labelled=0, days=7, cache=tmp_path / "b"
        )
    )
    assert dealt["drift"].alarms > 5
    assert dealt["drift"].a_month > 0.1
    assert "decay" not in dealt


def test_decay_in_two_of_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One window's chance and k of n make the month's; the newest window must be among them."""
    monkeypatch.setattr("monitoring.budget.DRAWS", 40)
    found = of(
        budgets(reference(tolerated=-0.2), rows=0, labelled=256, days=7, cache=tmp_path / "b.json")
    )["decay"]
    chance = found.alarms / found.draws
    assert (found.windows, found.of) == (2, 3)
    assert 0 < chance < 1
    assert found.a_month == pytest.approx(chance * (1 - (1 - chance) ** 2) * 30.4 / 7)


def test_probabilities_that_are_off_have_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the rule that windows are judged by: seldom as it is, often where anything counts."""
    known = reference()
    sound = of(budgets(known, rows=0, labelled=256, days=7, cache=tmp_path / "one.json"))
    assert sound["calibration"].alarms <= 2
    monkeypatch.setattr("monitoring.performance.STANDARD_ERRORS", 0.5)
    monkeypatch.setattr("monitoring.performance.MISCALIBRATED", 0.0)
    found = of(budgets(known, rows=0, labelled=256, days=7, cache=tmp_path / "two.json"))
    chance = found["calibration"].alarms / DRAWS
    assert 0.4 < chance < 0.7  # beyond half an error on either side, of a part of the whole: 0.53
    assert (found["calibration"].windows, found["calibration"].of) == (2, 3)


def test_several_classes_have_budgets(unserved: Home, tmp_path: Path) -> None:
    """The version says anew how likely each class was; what the sample holds is the same."""
    version = forge(unserved, Recipe(task="preference", kind="multiclass", seed=3))
    folder = Registry(unserved).folder(version)
    frame = version_files.reference(folder)
    shapes = [shape_of("prediction", frame["prediction"])]
    monitor = Monitor(metric="accuracy", tolerated_loss=0.0, least_rows=100)
    known: Any = SimpleNamespace(
        reference=frame, folder=folder, features=(), answers=("prediction",),
        classes=("article", "lesson", "video"),
        yardstick=Yardstick(kind="multiclass", monitor=monitor, baseline=1.0),
    )  # fmt: skip
    again = recorded(known)
    given = answers("multiclass", known.classes, again.drop(columns="label"), again)
    assert given.probabilities.shape == (len(frame), 3)
    assert given.probabilities.max(axis=1) == pytest.approx(given.confidence)
    assert given.came_true.mean() == pytest.approx((frame["label"] == frame["answer"]).mean())
    found = profile_of(frame, shapes)
    dealt = Reference(against=known, profile=found, whole=found.whole())
    alarms = of(budgets(dealt, rows=0, labelled=128, days=7, cache=tmp_path / "b.json"))
    assert set(alarms) == {"decay", "calibration"}
    assert alarms["decay"].alarms == DRAWS  # nobody is right always


def test_another_baseline_is_another_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion by hand moves what windows are held against; nothing old is told then."""
    monkeypatch.setattr("monitoring.budget.DRAWS", 20)
    cache = tmp_path / "b.json"
    known = reference()
    one = of(budgets(known, rows=0, labelled=256, days=7, cache=cache))
    higher: Any = SimpleNamespace(**vars(known.against))
    higher.yardstick = replace(known.against.yardstick, baseline=0.99)
    moved = replace(known, against=higher)
    other = of(budgets(moved, rows=0, labelled=256, days=7, cache=cache))
    assert one["decay"].alarms < other["decay"].alarms == 20


def test_budgets_are_kept(tmp_path: Path) -> None:
    """Measured once for a size of window; another threshold is another budget."""
    cache = tmp_path / "b.json"
    known = reference(effect=0.15)
    first = budgets(known, rows=500, labelled=0, days=7, cache=cache)
    stored = json.loads(cache.read_text())
    (key,) = stored
    stored[key][0]["alarms"] = 7
    cache.write_text(json.dumps(stored))
    assert of(budgets(known, rows=530, labelled=0, days=7, cache=cache))["drift"].alarms == 7
    assert of(first)["drift"].alarms == 0
    again = budgets(reference(effect=0.2), rows=500, labelled=0, days=7, cache=cache)
    assert of(again)["drift"].alarms == 0


def moments() -> pd.DataFrame:
    """A hundred customers, once a day for thirty days."""
    days = pd.date_range("2026-01-01", periods=30, freq="D", tz="UTC")
    return pd.DataFrame(
        {"customer_id": np.repeat([f"c{n}" for n in range(100)], 30),
         "event_timestamp": np.tile(days, 100)}
    )  # fmt: skip


def test_customers_are_dealt_as_a_window_holds_them() -> None:
    """One span's moments of each, nobody on both sides, and as many rows as were asked."""
    sample = moments()
    for window, rest in list(deals(sample, 100, 7))[:20]:
        assert not set(sample["customer_id"][window]) & set(sample["customer_id"][rest])
        assert 100 <= window.sum() <= 107
        times = sample[window].groupby("customer_id")["event_timestamp"]
        assert (times.max() - times.min()).max() <= pd.Timedelta(days=6)


def test_a_long_reference_is_no_false_alarm(tmp_path: Path) -> None:
    """Customers who are alike in each of eight weeks are not eight customers in a window."""
    rng = np.random.default_rng(0)
    known = reference(effect=0.1)
    x = np.repeat(rng.normal(size=400), 8)
    weeks = pd.date_range("2026-01-01", periods=8, freq="7D", tz="UTC")
    frame = pd.DataFrame(
        {"customer_id": np.repeat([f"c{n}" for n in range(400)], 8), "x": x,
         "event_timestamp": np.tile(weeks, 400),
         "label": rng.uniform(size=3_200) < 0.5, "prediction": 0.5}
    )  # fmt: skip
    against: Any = SimpleNamespace(**{**vars(known.against), "reference": frame})
    counts = profile_of(frame, known.profile.shapes)
    long = Reference(against=against, profile=counts, whole=counts.whole())
    found = of(budgets(long, rows=500, labelled=0, days=7, cache=tmp_path / "b.json"))["drift"]
    assert found.rows == 200
    assert found.alarms <= 20


def test_the_same_deal_each_time() -> None:
    """Seeded: a budget is a fact of the version."""
    one, two = ([window for window, _ in deals(moments(), 50, 7)] for _ in range(2))
    assert (np.stack(one) == np.stack(two)).all()
    assert replace(Budget(alarm="drift", rows=1, draws=1, alarms=1, days=7)).at_most > 4
