"""Several classes are ranked, beside popularity and neighbours, on the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss, top_k_accuracy_score

from lifecycle.gate import Gate
from lifecycle.label import MostTaken
from lifecycle.space import Search
from lifecycle.task import Task
from training.decisions import Context, decision_section
from training.promotion.paired import Pair, difference
from training.ranking import gap_of
from training.report.section import Section

CLASSES = ("audio", "game", "text", "video")
PREFERENCE = Task(
    name="preference", question="Which?", label=MostTaken(), horizon_days=7,
    search=Search(spaces={}), gate=Gate(rules=()),
)  # fmt: skip


def draw(n: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([2, 1.5, 1, 0.5], n)
    return (p.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1), p


def shown(labels: np.ndarray, p: np.ndarray, **context: object) -> Section:
    return decision_section(PREFERENCE, labels, p, 0.5, Context(classes=CLASSES, **context))  # type: ignore[arg-type]


def test_the_ranked_table_is_scikit_learns() -> None:
    """Top-k, macro-F1 and log-loss of each system agree with an independent library."""
    labels, p = draw()
    rivals = {"prior": np.tile(np.bincount(labels) / 500, (500, 1)), "nearest_neighbour": p**2}
    rivals["nearest_neighbour"] /= rivals["nearest_neighbour"].sum(axis=1, keepdims=True)
    found = shown(labels, p, rivals=rivals)
    table = found.tables["ranked"]
    assert table.columns == (
        "ranked by", "top 1", "top 2", "top 3", "top 4", "macro-F1", "log-loss"
    )  # fmt: skip
    assert [row[0] for row in table.rows] == ["this model", "popularity", "nearest neighbour"]
    assert table.rows[0][1:] == pytest.approx(
        (
            *(top_k_accuracy_score(labels, p, k=k) for k in (1, 2, 3)),
            1.0,
            f1_score(labels, p.argmax(axis=1), average="macro"),
            log_loss(labels, p),
        )
    )
    assert found.metrics["top2"] == table.rows[0][2]
    first, second = table.rows[0][1], table.rows[0][2]
    assert f"right for {first:.1%} of the rows" in found.words
    assert f"among the first two for {second:.1%} (popularity: " in found.words
    assert found.warnings == ()


def test_a_difference_has_the_bootstraps_interval() -> None:
    """The quick interval by entity is that of the paired bootstrap."""
    labels, p = draw()
    other, who = (p + 0.25) / 2, np.arange(500) // 3
    quick = gap_of(labels, (p, other), "log_loss", who)
    pair = Pair(
        kind="multiclass", labels=labels, challenger=p, champion=other, customers=pd.Series(who)
    )  # fmt: skip
    slow = difference(pair, "log_loss")
    assert quick.value == pytest.approx(slow.value)
    assert quick.high - quick.low == pytest.approx(slow.high - slow.low, rel=0.1)


def test_a_better_baseline_is_a_warning() -> None:
    """A model that neighbours beat is said on top, with how much."""
    labels, p = draw()
    found = shown(labels, np.full_like(p, 0.25), rivals={"nearest_neighbour": p})
    (warning,) = found.warnings
    assert warning.startswith("Nearest neighbour has a lower log-loss than the model (0.")


def test_no_difference_is_called_none() -> None:
    """Equal systems are not told apart by chance."""
    labels, p = draw()
    found = shown(labels, p, rivals={"prior": p})
    assert "no difference that could be seen (+0.0000" in found.words


def test_each_class_is_found_as_counted() -> None:
    """Precision and recall by hand; a class without rows or answers has none."""
    labels, p = draw()
    p[:, 3] = 0
    labels[labels == 3] = 0
    rows = shown(labels, p).tables["by class"].rows
    said = p.argmax(axis=1) == 1
    assert rows[1][0] == "game"
    assert rows[1][4] == pytest.approx((labels[said] == 1).mean())
    assert rows[1][5] == pytest.approx(said[labels == 1].mean())
    assert rows[3][1:] == (0, 0.0, 0.0, None, None)


def test_without_rivals_or_names_it_stands_alone() -> None:
    """Classes are numbered, and nothing is compared."""
    labels, p = draw()
    found = decision_section(PREFERENCE, labels, p, 0.5)
    assert [row[0] for row in found.tables["by class"].rows] == ["0", "1", "2", "3"]
    assert "against" not in found.tables
    assert found.words.endswith("%.")
