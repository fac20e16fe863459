"""What a registered version carries, and where: read through `Registry.folder(version)`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.errors import NotReady
from lifecycle.profile import Profile
from lifecycle.profile import read as read_profile
from lifecycle.row_keys import Keys

FILES = Path("artifacts") / "version"
FACTS = FILES / "model.json"
EVALUATION = FILES / "evaluation.json"
REFERENCE = FILES / "reference.parquet"
PROFILE = FILES / "profile.json"
ROW_KEYS = FILES / "row_keys.npy"

REFERENCE_ROWS = 5_000


def facts(folder: Path) -> dict[str, Any]:
    """What the model is: features with types and categories, classes, threshold, lineage."""
    return _json(folder / FACTS)


def redefined(learned: Mapping[str, str], today: Mapping[str, str]) -> tuple[str, ...]:
    """Features of the same name that mean something else today, by name.

    Args:
        learned: feature → hash of its definition, as `facts` has it under `definitions`; a
            version of before they were kept has none, and nothing can be said of it.
        today: the same, of the features as they are computed now.
    """
    if learned.items() <= today.items():  # nearly always, and a tenth of the work
        return ()
    return tuple(sorted(n for n in learned.keys() & today.keys() if learned[n] != today[n]))


def evaluation(folder: Path) -> dict[str, Any]:
    """Metrics on the out-of-time test, the baselines' on the same rows, rows per split."""
    return _json(folder / EVALUATION)


def reference(folder: Path) -> pd.DataFrame:
    """A sample of the test rows.

    Columns: customer_id, event_timestamp, the features in order, `label`, `prediction`
    (probability of the positive class, or of the answer) and `answer`.
    """
    return pd.read_parquet(_there(folder / REFERENCE))


def profile(folder: Path) -> Profile | None:
    """The reference in counts, with what each feature weighs; None of a version without one."""
    path = folder / PROFILE
    return read_profile(path) if path.exists() else None


def row_keys(folder: Path) -> Keys:
    """Sorted keys of every training and calibration row (`lifecycle.row_keys`).

    Raises:
        NotReady: there are none, which would prove any row unseen.
    """
    keys: Keys = np.load(_there(folder / ROW_KEYS), allow_pickle=False)
    if not len(keys):
        raise NotReady(
            "The version names no row that it learned from.",
            found=f"{ROW_KEYS.name} is empty.",
            do="Train again: what it has seen cannot be told from what it has not.",
        )
    return keys


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_there(path).read_text(encoding="utf-8"))
    return found


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotReady(
            f"The version has no {path.name}.",
            found=f"Nothing at {path}.",
            do="Train again: this version was not written by Onramp or is damaged.",
        )
    return path
