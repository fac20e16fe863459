"""The encoder learns categories from training rows only, and few enough."""

from __future__ import annotations

import pandas as pd

from training.encode import MOST_CATEGORIES, common_values, fit_encoder


def test_categories_are_sorted_and_text_only() -> None:
    """Row order, gaps and stray numbers change nothing."""
    assert common_values(pd.Series(["b", None, "a", 3, "b"], dtype=object)) == ("a", "b")


def test_rare_categories_are_left_out() -> None:
    """Of very many values the commonest are kept."""
    column = pd.Series([f"v{i:04d}" for i in range(1_000)] + ["often"] * 5)
    kept = common_values(column)
    assert len(kept) == MOST_CATEGORIES
    assert "often" in kept


def test_only_categories_are_learned() -> None:
    """Numbers need nothing stored."""
    frame = pd.DataFrame({"n": [1.0, 2.0], "c": ["x", "y"]})
    encoder = fit_encoder(frame, [("n", "number"), ("c", "category")])
    assert dict(encoder.categories) == {"c": ("x", "y")}
    assert encoder.category_columns == (1,)
