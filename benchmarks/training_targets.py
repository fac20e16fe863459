"""What the project set out to reach in training, and whether the results show it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_results import Results
from benchmarks.training_systems import OURS, SYSTEMS
from lifecycle.metrics import HIGHER_IS_BETTER

TRIALS_TIMES = 5.0
LATENCY_MS = 0.3
NAIVE, FLAML, UNBALANCED = "optuna_naive", "flaml", "onramp_unbalanced"
TITLES = {"log_loss": "log-loss", "pr_auc": "PR-AUC", "roc_auc": "ROC-AUC"}


def targets(results: Results) -> Iterator[str]:
    """A Markdown table: what, whether, and on what evidence."""
    yield "| to reach | reached | measured |"
    yield "|---|---|---|"
    if OURS not in results.ranked:
        return
    for metric in ("log_loss", "pr_auc"):
        for budget in results.budgets:
            yield row(f"best mean rank in {TITLES[metric]} at {budget} s",
                      *best_rank(results, metric, budget))  # fmt: skip
    yield row("never worse than FLAML by more than noise", *beside(results, FLAML, tuple(TITLES)))
    yield row(f"{TRIALS_TIMES:.0f} or more times naive Optuna's trials per second",
              *trial_ratio(results))  # fmt: skip
    yield row("log-loss never worse than that of the unbalanced model by more than noise",
              *beside(results, UNBALANCED, ("log_loss",)))  # fmt: skip
    yield row(f"one row in at most {LATENCY_MS} ms", *latency(results))


def row(what: str, reached: bool | None, evidence: str) -> str:
    word = {True: "yes", False: "**no**", None: "not measured"}[reached]
    return f"| {what} | {word} | {evidence} |"


def best_rank(results: Results, metric: str, budget: int) -> tuple[bool | None, str]:
    if not results.scores(metric, budget):
        return None, ""
    found = results.ranks(metric, budget)
    order = sorted(found, key=lambda name: found[name].value)
    second = next(name for name in order if name != OURS) if len(order) > 1 else OURS
    said = ", ".join(
        f"{SYSTEMS[name].title} {found[name].value:.2f} "
        f"[{found[name].low:.2f}, {found[name].high:.2f}]"
        for name in (OURS, second)
    )
    return order[0] == OURS, said


def beside(results: Results, other: str, metrics: tuple[str, ...]) -> tuple[bool | None, str]:
    """Where Onramp is worse beyond its interval, and how often it is better."""
    worse, better, compared = [], 0, 0
    for budget in results.budgets:
        for one in results.sets:
            for metric in metrics:
                gap = results.difference(one, other, metric, budget)
                if gap is None:
                    continue
                sign = 1 if HIGHER_IS_BETTER[metric] else -1
                ends = sorted((sign * gap.low, sign * gap.high))
                compared, better = compared + 1, better + (ends[0] > 0)
                if ends[1] < 0:
                    worse.append(f"{one} {TITLES[metric]} at {budget} s ({gap.value:+.4f})")
    if not compared:
        return None, ""
    said = f"{compared} comparisons: {better} better beyond noise, {len(worse)} worse"
    return not worse, said + (f" ({'; '.join(worse)})" if worse else "")


def trial_ratio(results: Results) -> tuple[bool | None, str]:
    """Of every table and budget: the smallest decides."""
    found = ratios(results, whole=False)
    if not found:
        return None, ""
    least = min(found, key=lambda name: found[name])
    middle = float(np.median(list(found.values())))
    said = (
        f"while searching least {found[least]:.1f} times ({least}), median {middle:.0f}; over the "
        f"whole budget, of which Onramp searches a part, least "
        f"{min(ratios(results, whole=True).values()):.1f}"
    )
    return found[least] >= TRIALS_TIMES, said


def ratios(results: Results, *, whole: bool) -> dict[str, float]:
    """Table and budget → Onramp's trials per second over naive Optuna's."""
    found = {}
    for budget in results.budgets:
        for one in results.sets:
            ours, naive = (results.rates(one, n, budget, whole=whole) for n in (OURS, NAIVE))
            if ours and naive:
                found[f"{one} at {budget} s"] = float(np.mean(ours) / np.mean(naive))
    return {name: ratio for name, ratio in found.items() if not np.isnan(ratio)}


def latency(results: Results) -> tuple[bool | None, str]:
    """The slowest of all runs decides."""
    found = {
        cell: float(line["fastest_ms"])
        for cell, line in results.lines.items()
        if cell.system == OURS and "fastest_ms" in line
    }
    if not found:
        return None, ""
    slowest = max(found, key=lambda cell: found[cell])
    middle = float(np.median(list(found.values())))
    return found[slowest] <= LATENCY_MS, (
        f"median {middle:.3f} ms, slowest {found[slowest]:.3f} ms ({slowest.set}, "
        f"{slowest.budget} s, seed {slowest.seed})"
    )
