"""What those who ask the champion today would find changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lifecycle.gate import SignatureDifference
from training.model import ForestModel, Scorer
from training.promotion.signature import signature


def scorer(features: Sequence[tuple[str, str]], classes: Sequence[str] = ("no", "yes")) -> Scorer:
    """A scorer whose forest nobody asks."""
    facts = {
        "task": "churn", "kind": "binary", "classes": classes, "threshold": 0.5,
        "calibrator": {"method": "none"}, "features": features,
        "categories": {name: [] for name, kind in features if kind == "category"},
    }  # fmt: skip
    return Scorer(facts, cast("ForestModel", None))


WAS = scorer([("age", "number"), ("plan", "category")], ("audio", "video"))


def test_the_same_signature_differs_in_nothing() -> None:
    """Other features may come and go, as long as they are computed."""
    now = scorer([("age", "number"), ("visits", "number")], ("audio", "text", "video"))
    assert signature(now, WAS, ["age", "visits", "more"]) == SignatureDifference()


def test_what_is_missing_retyped_and_lost_is_named() -> None:
    """Each by its name, in the model's order."""
    now = scorer([("plan", "number"), ("visits", "number")], ("audio",))
    assert signature(now, WAS, ["age", "plan"]) == SignatureDifference(
        missing=("visits",), retyped=("plan (was category, is number)",), lost=("video",)
    )


def test_a_first_model_is_held_to_what_is_computed() -> None:
    """Without a champion only missing features can be a fault."""
    assert signature(WAS, None, ["age"]) == SignatureDifference(missing=("plan",))
