"""Says to MLflow what a training was: values in, one parent run with nested trials out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from optuna.trial import FrozenTrial

from lifecycle.metrics import measured
from lifecycle.registry import LONGEST_TAG
from lifecycle.task import Task
from lifecycle.tracking import CodeModel, RunLog, Trial
from training import model
from training.candidate import Built, rows_of
from training.environment import surroundings
from training.report import standard
from training.report.files import files_of
from training.report.section import Section
from training.trainingset import KEYS

PINNED = ("mlflow", "numpy", "pandas", "lightgbm")  # a forest is in LightGBM's format
STATES = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
EXAMPLE_ROWS = 3


def log(run: RunLog, task: Task, built: Built) -> str:
    """Write everything about the candidate onto the run; returns the model's URI."""
    run.params(params_of(task, built))
    run.metrics(metrics_of(built))
    data = built.prepared.data
    run.data(task.name, data.fingerprint, "training", {**data.lineage, "rows": len(data.frame)})
    run.trials([nested(trial, task) for trial in built.found.trials])
    sections = standard.sections_of(task, built)
    facts = standard.facts_of(task, built) | {"Code": code_version()}
    run.metrics(section_metrics(sections))
    run.files(files_of(standard.title_of(task, built), facts, sections))
    return run.model(served(task, built), test_metrics(built))


def params_of(task: Task, built: Built) -> dict[str, Any]:
    """The choices, and the lineage of the data."""
    best, prepared = built.final.best, built.prepared
    fixed = {
        "algorithm": best.algorithm,
        "algorithms": " + ".join(built.final.recipe.algorithms),
        "made": built.final.recipe.how,
        "rounds": best.typical_rounds,
        "balancing": best.balance.method,
        "balancing_note": built.balanced.reason,
        "synthetic_rows": built.balanced.synthetic,
        "calibrator": built.calibrated.calibrator["method"],
        "threshold": built.scorer.threshold,
        "metric": task.metric,
        "horizon_days": task.horizon_days,
        "moments": list(task.moments),
        "classes": list(prepared.classes),
        "features": len(prepared.encoder.features),
        "as_of": prepared.data.as_of.isoformat(),
        "data_fingerprint": prepared.data.fingerprint,
        "seed": built.scorer.facts["seed"],
        **surroundings(code_version()),
        "pins": " ".join(pins()),
    }
    fixed |= {"baselines": " ".join(built.baselines), **judged_on(built)}
    fixed |= {f"rows_{name}": count for name, count in rows_of(prepared).items()}
    fixed |= {f"trials_{state}": count for state, count in built.found.counts.items()}
    if built.balanced.synthetic:
        fixed |= {"smote.k_neighbors": best.balance.k_neighbors, "smote.ratio": best.balance.ratio}
    return {**fixed, **dict(prepared.data.lineage), **dict(best.params)}


def judged_on(built: Built) -> dict[str, str]:
    """The test rows: runs of the same fingerprint were judged on the same rows and labels."""
    prepared = built.prepared
    rows = prepared.data.frame.iloc[prepared.test.positions]
    if rows.empty:
        return {}
    hashed = pd.util.hash_pandas_object(rows[[*KEYS, "label"]], index=False).to_numpy()
    moments = rows["event_timestamp"]
    return {
        "test_fingerprint": blake2b(np.sort(hashed).tobytes(), digest_size=8).hexdigest(),
        "test_from": f"{moments.min():%Y-%m-%d}",
        "test_until": f"{moments.max():%Y-%m-%d}",
    }


def metrics_of(built: Built) -> dict[str, float]:
    """Test metrics, the baselines' on the same rows, calibrators' losses, and times."""
    values = test_metrics(built)
    for name, scores in built.baselines.items():
        values |= {f"{name}.{key}": value for key, value in scores.items()}
    values |= {f"calibration.{k}_log_loss": v for k, v in built.calibrated.losses.items()}
    values |= {f"out_of_fold.{key}": value for key, value in built.out_of_fold.items()}
    values |= {"search_value": built.found.value, "search_seconds": built.found.seconds}
    values |= {"training_seconds": built.seconds}
    return measured(values)


def test_metrics(built: Built) -> dict[str, float]:
    """What could be measured on the out-of-time test."""
    return measured({f"test.{key}": value for key, value in built.metrics.items()})


def nested(trial: FrozenTrial, task: Task) -> Trial:
    """One trial as a nested run."""
    score = standard.score_of(trial)
    metrics: dict[str, float] = {} if score is None else {task.metric: float(score)}
    scores = trial.user_attrs.get("scores", [])
    metrics |= {f"fold_{i}": float(s) for i, s in enumerate(scores) if np.isfinite(s)}
    rounds = trial.user_attrs.get("rounds")
    metrics |= {"rounds": float(np.median(rounds))} if rounds else {}
    started, ended = trial.datetime_start, trial.datetime_complete
    return Trial(
        name=f"trial {trial.number}",
        params=trial.params,
        metrics=metrics,
        tags={"state": trial.state.name.lower(), "error": trial.user_attrs.get("error", "")},
        status=STATES[trial.state.name],  # type: ignore[arg-type]  # the three values it may have
        started_at_ms=int(started.timestamp() * 1000) if started else 0,
        ended_at_ms=int(ended.timestamp() * 1000) if ended else 0,
    )


def section_metrics(sections: Sequence[Section]) -> dict[str, float]:
    """What the sections measured, as `<section>.<key>`."""
    every = {f"{one.name}.{key}": v for one in sections for key, v in one.metrics.items()}
    return measured(every)


def served(task: Task, built: Built) -> CodeModel:
    """The model as MLflow stores it: our one file, the version's folder, a column signature."""
    return CodeModel(
        name=task.name,
        code=Path(model.__file__),
        files=built.folder,
        signature=signature(built),
        example=example(built),
        requirements=pins(),
    )


def signature(built: Built) -> ModelSignature:
    """By column; every column is optional, because a feature may be missing."""
    kinds = {"number": "double", "category": "string"}
    inputs = [ColSpec(kinds[kind], name, required=False) for name, kind in built.scorer.features]
    answers = {"probability": "double", "answer": "string"}
    if built.scorer.kind == "multiclass":
        answers = {"answer": "string", "probability": "double"}
        answers |= {f"p_{name}": "double" for name in built.scorer.classes}
    return ModelSignature(
        inputs=Schema(inputs),
        outputs=Schema([ColSpec(kind, name) for name, kind in answers.items()]),
    )


def example(built: Built) -> pd.DataFrame:
    """A few test rows, typed as the signature says."""
    prepared = built.prepared
    rows = prepared.data.frame.iloc[prepared.test.positions[:EXAMPLE_ROWS]]
    columns = {
        name: pd.to_numeric(rows[name], errors="coerce").astype(float)
        if kind == "number"
        else rows[name].astype(object).where(rows[name].notna(), None)
        for name, kind in prepared.encoder.features
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def pins() -> tuple[str, ...]:
    """What the served model needs, at the versions it was trained with."""
    return tuple(f"{name}=={metadata.version(name)}" for name in PINNED)


def code_version() -> str:
    """The commit that trains, or the installed version where there is no checkout."""
    checkout = Path(__file__).resolve().parents[1]
    installed = f"onramp {metadata.version('onramp')}"
    if not (checkout / ".git").exists():
        return installed
    try:
        found = subprocess.run(  # noqa: S603  # fixed words and our own path
            ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607  # the git on PATH is the one that made the checkout
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return installed
    return found.stdout.strip()


def version_tags(task: Task, built: Built, run_id: str) -> Mapping[str, str]:
    """What the registry's page shows of a version."""
    best, prepared = built.final.best, built.prepared
    shown = {
        "algorithm": best.algorithm,
        "balancing": best.balance.method,
        "as_of": prepared.data.as_of.isoformat(timespec="seconds"),
        "data_fingerprint": prepared.data.fingerprint,
        "seed": str(built.scorer.facts["seed"]),
        "run": run_id,
        "rows": ", ".join(f"{name} {n}" for name, n in rows_of(prepared).items()),
        "verdict": "not judged yet",
    }
    if warnings := standard.warnings_of(task, built):
        shown["warnings"] = " ".join(warnings)[:LONGEST_TAG]
    names = ("roc_auc", "log_loss", "ece") if task.kind == "binary" else ("log_loss", "accuracy")
    return shown | {f"test.{name}": f"{built.metrics[name]:.4f}" for name in names}
