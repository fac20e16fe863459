"""An ablation in words: whether SMOTE helps here, and what calibration repairs.

The verdict is by log-loss after calibration, because calibrated probabilities are what is
served; one metric, so that a 95 % interval means what it says.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lifecycle.gate import Difference
from lifecycle.metrics import HIGHER_IS_BETTER
from lifecycle.space import Balancing
from lifecycle.task import Kind
from training.balancing.methods import Ablation

RANKING: Mapping[Kind, str] = {"binary": "roc_auc", "multiclass": "accuracy"}
TITLES: Mapping[Balancing, str] = {
    "none": "none", "class_weight": "class weights", "smote": "SMOTE", "smotenc": "SMOTENC",
    "borderline": "Borderline-SMOTE", "under": "under-sampling",
}  # fmt: skip
NAMES: Mapping[str, str] = {
    "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "log_loss": "log-loss", "brier": "Brier score",
    "accuracy": "accuracy", "macro_f1": "macro-F1", "top2": "top 2",
    "ece": "ECE",
}  # fmt: skip
VERBS = {"better": "helps", "worse": "harms", "same": "makes no difference that could be seen",
         "unknown": "could not be judged"}  # fmt: skip
OTHERS = {"better": "helpful", "worse": "harmful", "same": "no difference seen",
          "unknown": "not judged"}  # fmt: skip


def reading(difference: Difference, metric: str) -> str:
    """better, worse, same (the interval holds zero) or unknown."""
    if not np.isfinite([difference.low, difference.high]).all():
        return "unknown"
    if difference.low <= 0 <= difference.high:
        return "same"
    return "better" if (difference.value > 0) == HIGHER_IS_BETTER[metric] else "worse"


def words(found: Ablation) -> str:
    """The verdict on SMOTE, its kin, what calibration repairs, and on what it rests."""
    return " ".join([verdict(found), *kin(found), repaired(found), grounds(found)])


def verdict(found: Ablation) -> str:
    """On SMOTE itself, with what it does to the ranking."""
    tried = found.tried["smote"]
    if not tried.done:
        return f"SMOTE could not be tried here: {tried.note}"
    loss, ranking = found.after["smote"]["log_loss"], RANKING[found.kind]
    return (
        f"SMOTE {VERBS[reading(loss, 'log_loss')]} here: after calibration its log-loss differs "
        f"from that of no balancing by {interval(loss)}, its {NAMES[ranking]} by "
        f"{interval(found.after['smote'][ranking])}."
    )


def interval(difference: Difference) -> str:
    return f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def kin(found: Ablation) -> list[str]:
    """The other methods in a few words."""
    said: dict[str, list[str]] = {}
    for method, tried in found.tried.items():
        if method not in {"none", "smote"}:
            outcome = reading(found.after[method]["log_loss"], "log_loss")
            said.setdefault(OTHERS[outcome] if tried.done else "not possible", []).append(
                TITLES[method]
            )
    told = "; ".join(f"{outcome}: {', '.join(names)}" for outcome, names in said.items())
    return [f"The others by the same measure: {told}."] if said else []


def repaired(found: Ablation) -> str:
    """What calibration takes away of the log-loss that balancing added."""
    hurt = {
        method: found.before[method]["log_loss"].value
        for method, tried in found.tried.items()
        if method != "none"
        and tried.done
        and reading(found.before[method]["log_loss"], "log_loss") == "worse"
    }
    if not hurt:
        return "Before calibration no method is seen to have a worse log-loss than none."
    least, most = min(hurt, key=hurt.__getitem__), max(hurt, key=hurt.__getitem__)
    gone = sorted(share_repaired(found, method) for method in hurt)
    worse = f"{hurt[most]:.4f} ({TITLES[most]})"
    shares = f"{gone[-1]:.0%}"
    if len(hurt) > 1:
        worse = f"{hurt[least]:.4f} ({TITLES[least]}) to {worse}"
        shares = f"{gone[0]:.0%} to {shares}"
    return (
        f"Before calibration log-loss is {worse} worse than with none; calibration takes "
        f"{shares} of that away."
    )


def share_repaired(found: Ablation, method: str) -> float:
    """Between 0 and 1: how much of the gap in log-loss is gone after calibration."""
    before = found.before[method]["log_loss"].value
    return float(np.clip(1 - found.after[method]["log_loss"].value / before, 0, 1))


def grounds(found: Ablation) -> str:
    """On which rows, by which booster, with which settings."""
    smote = found.tried["smote"].balance
    sample = f", a sample of {found.sampled:.0%} by whole entities" if found.sampled < 1 else ""
    return (
        f"Measured out of fold on {len(found.labels):,} rows of "
        f"{len(np.unique(found.entities.astype(str))):,} entities{sample}, with the chosen "
        f"{found.candidate.algorithm} parameters, k {smote.k_neighbors} and ratio "
        f"{smote.ratio:g}; 95 % intervals are by entity and hold the boosters as they are."
    )


def warnings(found: Ablation) -> tuple[str, ...]:
    """The search's own choice, where it is seen to be worse than none."""
    chosen = found.candidate.balance.method
    if chosen == "none" or chosen not in found.after:
        return ()
    loss = found.after[chosen]["log_loss"]
    if reading(loss, "log_loss") != "worse":
        return ()
    told = f"log-loss after calibration {interval(loss)}"
    return (
        f"The chosen balancing, {TITLES[chosen]}, is worse than none on the same folds: {told}.",
    )
