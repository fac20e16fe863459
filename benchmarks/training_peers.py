"""The peers, each as its own first page says: a time limit, log-loss as the metric, a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.training_systems import LABEL, Answer, Asked, Floats

HELD_OUT = 4  # LightGBMTuner watches every fourth row


def flaml(asked: Asked, **more: Any) -> Answer:
    """`AutoML().fit`; its log, which is public, tells how many trials it took."""
    from flaml import AutoML  # noqa: PLC0415  each system imports its own, where it is measured

    log = asked.folder / "flaml.log"
    model = AutoML()
    model.fit(
        asked.rows, asked.labels, task="classification", metric="log_loss",
        time_budget=asked.budget, n_jobs=asked.cores, seed=asked.seed, verbose=0,
        log_file_name=str(log), log_type="all", **more,
    )  # fmt: skip

    def ask(rows: pd.DataFrame) -> Floats:
        return np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)

    return Answer(
        predict=ask,
        one=lambda row: lambda: ask(row),
        trials=sum('"record_id"' in line for line in log.read_text(encoding="utf-8").splitlines()),
        notes={"learner": model.best_estimator},
    )


def flaml_forward(asked: Asked) -> Answer:
    """FLAML, told that the rows are in time where they are."""
    return flaml(asked, **({"split_type": "time"} if asked.timed else {}))


def autogluon_medium(asked: Asked) -> Answer:
    return autogluon(asked, "medium_quality")


def autogluon_best(asked: Asked) -> Answer:
    return autogluon(asked, "best_quality")


def autogluon(asked: Asked, presets: str) -> Answer:
    """`TabularPredictor(...).fit(presets=…)`; kept in memory for answering, as it recommends."""
    from autogluon.tabular import TabularPredictor  # noqa: PLC0415  see flaml

    rows = asked.rows.assign(**{LABEL: asked.labels})
    model = TabularPredictor(
        label=LABEL, problem_type="binary", eval_metric="log_loss", verbosity=0,
        path=str(asked.folder / "autogluon"),
    )  # fmt: skip
    model.fit(rows, presets=presets, time_limit=asked.budget, num_cpus=asked.cores, num_gpus=0)
    model.persist()

    def ask(frame: pd.DataFrame) -> Floats:
        return np.asarray(model.predict_proba(frame, as_multiclass=False), dtype=np.float64)

    return Answer(
        predict=ask,
        one=lambda row: lambda: ask(row),
        notes={"model": model.model_best, "models": len(model.model_names())},
    )


def lightgbm_tuner(asked: Asked) -> Answer:
    """Optuna's stepwise LightGBMTuner, watching a held-out quarter of the training rows."""
    import lightgbm  # noqa: PLC0415  see flaml
    import optuna  # noqa: PLC0415  the same
    from optuna_integration.lightgbm import LightGBMTuner  # noqa: PLC0415  the same

    from benchmarks.training_floors import Coded, booster_answer  # noqa: PLC0415  needs lightgbm

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    coded = Coded(asked)
    rows, labels = coded.frame(asked.rows), asked.labels
    watched = np.random.default_rng(asked.seed).permutation(len(rows)) % HELD_OUT == 0
    fit = lightgbm.Dataset(rows[~watched], labels[~watched])
    valid = lightgbm.Dataset(rows[watched], labels[watched], reference=fit)
    study = optuna.create_study(direction="minimize")
    tuner = LightGBMTuner(
        {
            "objective": "binary", "metric": "binary_logloss", "verbosity": -1,
            "num_threads": asked.cores, "seed": asked.seed,
        },
        fit, valid_sets=[valid], num_boost_round=1000, time_budget=asked.budget, study=study,
        callbacks=[lightgbm.early_stopping(100, verbose=False)], optuna_seed=asked.seed,
        show_progress_bar=False,
    )  # fmt: skip
    tuner.run()
    return booster_answer(tuner.get_best_booster(), coded, trials=len(study.trials))
