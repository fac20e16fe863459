"""What another version would have answered, from the features that were logged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from lifecycle.repeats import as_served
from lifecycle.task import Kind


def rescored(folder: Path, kind: Kind, logged: pd.DataFrame) -> pd.DataFrame | None:
    """The logged rows with this version's answers in place of those that were given.

    Args:
        folder: the version's files, as `Registry.folder` has them.
        kind: of the task.
        logged: rows of the prediction log.

    Returns:
        None when the log lacks a feature that the version needs.
    """
    scorer = as_served(folder).unwrap_python_model().scorer
    names = [str(name) for name, _ in scorer.features]
    if not set(names) <= set(logged.columns):
        return None
    matrix = np.asarray(scorer.score(logged[names]), dtype=np.float64)
    classes = [str(name) for name in scorer.classes]
    if kind == "binary":
        return logged.assign(prediction=matrix[:, 1])
    first = matrix.argmax(axis=1)
    return logged.assign(
        prediction=matrix.max(axis=1),
        answer=[classes[n] for n in first],
        probabilities=[json.dumps(dict(zip(classes, row.tolist(), strict=True))) for row in matrix],
    )
