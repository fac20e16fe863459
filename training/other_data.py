"""What is known of why a version's training set would not be the same today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle import version_files
from lifecycle.row_keys import count_seen, row_keys
from lifecycle.task import Task
from lifecycle.version_files import redefined
from training.trainingset import KEYS, TrainingSet

NAMED = 8  # features that one sentence names


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a version says of itself.

    Attributes:
        folder: its files, as the registry keeps them.
        fingerprint: of its training set.
    """

    folder: Path
    facts: Mapping[str, Any]
    fingerprint: str


def other_question(task: Task, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What the task asks otherwise than the version was asked; empty when nothing."""
    today = {
        "kind": task.kind, "horizon_days": task.horizon_days, "moments": list(task.moments)
    }  # fmt: skip
    return tuple(
        f"The task's {name} was {facts.get(name)} and is {value}."
        for name, value in today.items()
        if facts.get(name) != value
    )


def other_features(data: TrainingSet, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Features that came, went, changed their kind or their place; empty when none did."""
    was = dict(facts["features"])
    present = dict(data.features)
    told = {
        "are gone": [name for name in was if name not in present],
        "are new": [name for name in present if name not in was],
        "are of another type": [n for n in was if n in present and was[n] != present[n]],
    }
    found = [f"Features {what}: {named(names)}." for what, names in told.items() if names]
    if not found and list(was) != list(present):
        found.append("The features are in another order.")
    return tuple(found)


def other_data(data: TrainingSet, recorded: Recorded) -> Iterator[str]:
    """Why a training set with the same features has another fingerprint; nothing if it has not."""
    facts = recorded.facts
    if data.fingerprint == recorded.fingerprint:
        return
    yield (
        f"The training set is another: its fingerprint was {recorded.fingerprint} and is "
        f"{data.fingerprint}."
    )
    if changed := redefined(facts.get("definitions", {}), data.definitions):
        yield f"Features that mean something else today: {named(changed)}."
    yield from other_rows(data, recorded)
    yield from other_values(data, recorded)
    then, now = facts.get("lineage", {}).get("event_store"), data.lineage.get("event_store")
    if then and now and then != now:
        yield "The event store has read other sources since; what they hold of before counts."


def other_rows(data: TrainingSet, recorded: Recorded) -> Iterator[str]:
    """Rows that came or went, by their hashed keys."""
    learned = version_files.row_keys(recorded.folder)
    gone = len(learned) - count_seen(learned, row_keys(data.frame))
    if gone:
        yield (
            f"{gone:,} of the {len(learned):,} moments that it learned from are no longer there "
            "(forgotten, quarantined or corrected)."
        )
    rows = version_files.evaluation(recorded.folder)["rows"]
    then = sum(int(count) for count in rows.values())
    if then != len(data.frame):
        yield f"There were {then:,} labelled moments and are {len(data.frame):,}."


def other_values(data: TrainingSet, recorded: Recorded) -> Iterator[str]:
    """Values that changed, by the sample of test moments that travels with the version."""
    kept = version_files.reference(recorded.folder)
    kept = kept[kept["label"].notna()]
    both = kept.merge(data.frame, on=KEYS, how="inner", suffixes=("_then", ""))
    changed = {}
    for name in [*(n for n, _ in data.features), "label"]:
        count = int(unequal(both[f"{name}_then"], both[name]).sum())
        if count:
            changed[name] = count
    if changed:
        worst = sorted(changed, key=lambda name: (-changed[name], name))
        yield (
            f"Of {len(both):,} moments of its reference, values changed in "
            f"{named([f'{name} ({changed[name]:,})' for name in worst])}."
        )


def unequal(then: pd.Series[Any], now: pd.Series[Any]) -> pd.Series[bool]:
    """Where two columns differ; missing is equal to missing."""
    same = np.array([str(a) == str(b) for a, b in zip(then, now, strict=True)], dtype=bool)
    return ~pd.Series(same) & ~(then.isna() & now.isna())


def named(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
