"""Reads what a card says out of the registry, the run and the version's files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lifecycle import version_files
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from training.model import Scorer
from training.promotion.card.measured import Answered, measured
from training.promotion.card.values import Recorded, Share
from training.promotion.labels import places
from training.promotion.side_by_side.recorded import Entrant, entrant, section
from training.report.files import FOLDER

BALANCING = f"{FOLDER}/balancing.json"
FINDING = "gate."


def recorded(registry: Registry, task: Task, version: Version) -> Recorded:
    """Everything of one version, its test rows measured anew.

    Raises:
        NotReady: one of its files is gone.
        DataError: its model cannot be read, or is not the registered one.
    """
    one = entrant(registry, version)
    rows = answered(one.scorer, version_files.reference(one.folder))
    kinds = one.scorer.features
    return Recorded(
        task=task.name,
        side=one.side,
        question=str(one.facts.get("question") or task.asked),
        facts=one.facts,
        baselines=version_files.evaluation(one.folder).get("baselines", {}),
        money=money(task),
        parameters=one.parameters,
        balancing=str(section(registry, version, BALANCING).get("words", "")),
        shares=shares(one),
        findings=findings(version.tags),
        measured=measured(
            version.number, rows, [name for name, kind in kinds if kind == "category"]
        ),
    )


def answered(scorer: Scorer, reference: pd.DataFrame) -> Answered:
    """The labelled rows, scored by the version itself."""
    rows = reference[reference["label"].notna()].reset_index(drop=True)
    binary = scorer.kind == "binary"
    labels = rows["label"].astype(bool) if binary else rows["label"].astype(str)
    index = places(labels, scorer.classes)
    known = np.flatnonzero(index >= 0)
    rows = rows.iloc[known]
    return Answered(
        kind="binary" if binary else "multiclass",
        frame=rows,
        labels=index[known],
        probabilities=scorer.score(rows) if len(rows) else np.zeros((0, len(scorer.classes))),
    )


def money(task: Task) -> str:
    """What an offer costs and saves, as the task says today."""
    if task.costs is None:
        return ""
    offer, saved = task.costs.money(task.costs.offer), task.costs.money(task.costs.saved)
    return (
        f"An offer costs {offer} and saves {saved} on {task.costs.accepted:.0%} of the customers "
        "who would have left."
    )


def shares(one: Entrant) -> dict[str, Share]:
    """Of the importance table of the training's report."""
    return {
        str(row["feature"]): Share(share=float(row["share"]), effect=str(row.get("effect") or ""))
        for row in one.explained
    }


def findings(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(outcome, words) as the gate wrote them onto the version."""
    told = [tags[key] for key in sorted(tags) if key.startswith(FINDING)]
    parted = (text.partition(": ") for text in told)
    return tuple((outcome, words) for outcome, _, words in parted)
