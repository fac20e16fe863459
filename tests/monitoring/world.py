"""A small world whose truth is known: sign-ups, a real model, its answers, and what came of them.

One customer signs up every few minutes and is asked about a day later: will there be no login
in the week after? `x` decides that, `noise` and `plan` do not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from lifecycle import version_files
from lifecycle.event_store import EventStore, Part
from lifecycle.home import Home
from lifecycle.metrics import measure
from lifecycle.prediction import Prediction
from lifecycle.prediction_log import PredictionLog
from lifecycle.registry import Registry, Version
from lifecycle.row_keys import row_keys
from lifecycle.task import Monitor, Task
from lifecycle.tracking import CodeModel, run
from tasks.churn import TASK
from training import model as model_file

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, A_DAY = 102, 80
TRAINED, NOW = START + timedelta(days=60), START + timedelta(days=DAYS)
FEATURES = (("x", "number"), ("noise", "number"), ("plan", "category"))
NAMES = [name for name, _ in FEATURES]
CHURN: Task = replace(TASK, moments=(1,), horizon_days=7, monitor=Monitor(least_rows=200))
TOML = """
name = "toy"
title = "A toy"
source = "made up"
clock = "data"

[vocabulary]
events = ["login"]
"""


def day(n: float) -> datetime:
    return START + timedelta(days=n)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens, from which day on; 999 is never.

    Attributes:
        concept: who stayed now leaves.
        prior: more leave, whoever they are.
        shift: `x` of new customers is half a standard deviation higher.
        unit, gone, dead: `noise` arrives a hundred times too large, not at all, or as zero.
        silent: nothing is received any more.
        unscored: nobody runs the scoring.
        second: version 2 answers instead of version 1.
        until: `noise` is broken only until this day.
    """

    concept: float = 999
    prior: float = 999
    shift: float = 999
    unit: float = 999
    gone: float = 999
    dead: float = 999
    silent: float = 999
    unscored: float = 999
    second: float = 999
    until: float = 999


def people(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "noise": rng.lognormal(1, 1, size=rows),
            "plan": rng.choice(["basic", "free", "pro"], size=rows).astype(object),
            "luck": rng.uniform(size=rows),
            "when": rng.uniform(size=rows),
        }
    )


def leaves(
    frame: pd.DataFrame, *, sign: float | np.ndarray = 1.0, more: float | np.ndarray = 0.0
) -> np.ndarray:
    return np.asarray(frame["luck"] < 1 / (1 + np.exp(-2 * sign * frame["x"] - more)))


def tell(home: Home, story: Story, versions: tuple[Version, ...]) -> None:
    """Write the events into the event store and the answers into the prediction log."""
    frame = people(DAYS * A_DAY, seed=5)
    at = np.arange(len(frame)) / A_DAY
    frame["customer_id"] = [f"c{n:05d}" for n in range(len(frame))]
    frame["signed_up_at"] = [day(t) for t in at]
    asked = at + 1
    frame.loc[asked >= story.shift, "x"] += 0.5
    gone = leaves(
        frame, sign=np.where(asked >= story.concept, -1.0, 1.0),
        more=np.where(asked >= story.prior, 1.5, 0.0),
    )  # fmt: skip
    write_events(home, frame, gone, story)
    broken = asked < story.until
    for factor, since in ((100.0, story.unit), (np.nan, story.gone), (0.0, story.dead)):
        frame.loc[(asked >= since) & broken, "noise"] *= factor
    served = frame[(asked >= 60) & (asked <= DAYS) & (asked < story.unscored)]
    later = asked[served.index] >= story.second
    for version, rows in zip(versions, (served[~later], served[later]), strict=False):
        answer(home, version, rows)


def write_events(home: Home, frame: pd.DataFrame, gone: np.ndarray, story: Story) -> None:
    week = timedelta(days=7)
    logins = [
        (f"e{n}", customer, when + timedelta(days=1) + (0.02 + 0.96 * luck) * week)
        for n, (customer, when, luck, left) in enumerate(
            zip(frame["customer_id"], frame["signed_up_at"], frame["when"], gone, strict=True)
        )
        if not left
    ]
    until = min(day(story.silent), NOW)
    events = pd.DataFrame(logins, columns=["event_id", "customer_id", "occurred_at"])
    events = events[events["occurred_at"] <= until].assign(event="login")
    customers = frame[["customer_id", "signed_up_at"]]
    parts = {
        "events": events.assign(received_at=events["occurred_at"]),
        "customers": customers.assign(received_at=customers["signed_up_at"]),
    }
    for name, part in parts.items():
        part.to_parquet(home.root / f"{name}.parquet", index=False)
    EventStore(home).commit(
        (), [Part(path=f"{name}.parquet", holds=name, rows=len(part))
             for name, part in parts.items()],
    )  # fmt: skip


def answer(home: Home, version: Version, rows: pd.DataFrame) -> None:
    """Log what the version answers for each customer, a day after sign-up."""
    if rows.empty:
        return
    scorer = model_file.Scorer.from_folder(Registry(home).folder(version) / version_files.FILES)
    probability = scorer.score(rows[NAMES])[:, 1]
    moments = [when + timedelta(days=1) for when in rows["signed_up_at"]]
    features = rows[NAMES].astype(object).where(rows[NAMES].notna(), None)
    PredictionLog(home).write(
        [
            Prediction(
                receipt_id=f"{version.number}-{customer}", task="churn", version=version.number,
                customer_id=customer, event_timestamp=moment, scored_at=moment, origin="batch",
                prediction=float(p), answer="yes" if p >= 0.5 else "no",
                probabilities={"no": float(1 - p), "yes": float(p)}, features=values,
            )
            for customer, moment, p, values in zip(
                rows["customer_id"], moments, probability,
                features.to_dict(orient="records"), strict=True,
            )
        ]
    )  # fmt: skip


def train(home: Home, *, seed: int, wrong: bool = False) -> Version:
    """Fit and register a version as training does; a wrong one learnt the opposite, and hid it."""
    frame = people(2_000, seed)
    truth = leaves(frame)
    with run(home, "churn", "world", {}) as log:
        folder = home.root / "made" / log.run_id / model_file.FOLDER
        folder.mkdir(parents=True)
        write_model(folder, frame, ~truth if wrong else truth)
        write_record(folder, people(1_500, seed + 1), wrong=wrong)
        inputs = frame[NAMES]
        model = CodeModel(
            name="model",
            code=Path(model_file.__file__),
            files=folder,
            signature=infer_signature(
                inputs, pd.DataFrame({"probability": [0.5], "answer": ["no"]})
            ),
            example=inputs.head(2),
            requirements=("mlflow", "lightgbm"),
        )
        uri = log.model(model, {})
    return Registry(home).register("churn", uri, {})


def write_model(folder: Path, frame: pd.DataFrame, truth: np.ndarray) -> None:
    facts = {
        "task": "churn", "kind": "binary", "algorithm": "lightgbm", "classes": ["no", "yes"],
        "features": FEATURES, "categories": {"plan": ["basic", "free", "pro"]},
        "calibrator": {"method": "none"}, "threshold": 0.5, "as_of": TRAINED.isoformat(),
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(facts))
    matrix = model_file.Encoder(FEATURES, facts["categories"]).matrix(frame)
    booster = lightgbm.train(
        {"objective": "binary", "num_threads": 1, "verbosity": -1, "num_leaves": 4,
         "min_data_in_leaf": 80, "learning_rate": 0.1, "seed": 1},
        lightgbm.Dataset(matrix, truth, params={"verbosity": -1}), num_boost_round=40,
    )  # fmt: skip
    booster.save_model(str(folder / model_file.FOREST))


def write_record(folder: Path, frame: pd.DataFrame, *, wrong: bool) -> None:
    """The reference sample and the evaluation that approval rests on."""
    truth = leaves(frame)
    probability = model_file.Scorer.from_folder(folder).score(frame[NAMES])[:, 1]
    frame = frame.assign(
        customer_id=[f"old{n}" for n in range(len(frame))],
        event_timestamp=[day(50 + n / len(frame)) for n in range(len(frame))],
        label=~truth if wrong else truth,
        prediction=probability,
        answer=np.where(probability >= 0.5, "yes", "no"),
    )
    columns = ["customer_id", "event_timestamp", *NAMES, "label", "prediction", "answer"]
    frame[columns].to_parquet(folder / version_files.REFERENCE.name, index=False)
    metrics = measure("binary", frame["label"].to_numpy(), probability)
    (folder / version_files.EVALUATION.name).write_text(json.dumps({"metrics": metrics}))
    np.save(folder / version_files.ROW_KEYS.name, np.unique(row_keys(frame)))
