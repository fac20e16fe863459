"""What a data scientist writes in ten minutes: a default LightGBM, and Optuna around SMOTE."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from benchmarks.training_systems import Answer, Asked, Floats

ROUNDS = 100, 600


class Coded:
    """Categories as LightGBM takes them: pandas' own, with the values of the training rows."""

    def __init__(self, asked: Asked) -> None:
        self.types = {
            name: pd.CategoricalDtype(sorted(asked.train[name].dropna().unique()))
            for name in asked.categories
        }

    def frame(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.astype(self.types)

    def matrix(self, rows: pd.DataFrame) -> Floats:
        """Codes and numbers, shape (rows, features), missing as NaN."""
        coded = self.frame(rows)
        for name in self.types:
            codes = coded[name].cat.codes
            coded[name] = codes.where(codes >= 0).astype(np.float64)
        return coded.to_numpy(dtype=np.float64)


def booster_answer(booster: Any, coded: Coded, trials: int | None = None) -> Answer:
    """A LightGBM booster: asked by frame, or fastest by a row of codes."""

    def one(row: pd.DataFrame) -> Callable[[], object]:
        values = coded.matrix(row)
        return lambda: booster.predict(values, num_threads=1)

    return Answer(
        predict=lambda rows: np.asarray(booster.predict(coded.frame(rows))),
        one=one,
        trials=trials,
        notes={"rounds": booster.current_iteration()},
    )


def lightgbm_default(asked: Asked) -> Answer:
    """`LGBMClassifier()` as it comes, categories told."""
    coded = Coded(asked)
    model = lightgbm.LGBMClassifier(n_jobs=asked.cores, random_state=asked.seed, verbose=-1)
    model.fit(coded.frame(asked.rows), asked.labels)
    return booster_answer(model.booster_, coded)


def optuna_naive(asked: Asked) -> Answer:
    """`cross_val_score` of one-hot, SMOTE and XGBoost in an Optuna study, then a refit."""
    import optuna  # noqa: PLC0415  each system imports its own, in the process that measures it
    from sklearn.model_selection import StratifiedKFold, cross_val_score  # noqa: PLC0415  the same

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        model = pipeline(asked, drawn(trial))
        parts = StratifiedKFold(5, shuffle=True, random_state=asked.seed)
        scores = cross_val_score(model, asked.rows, asked.labels, cv=parts, scoring="neg_log_loss")
        return float(scores.mean())

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=asked.seed)
    )
    began = time.perf_counter()
    study.optimize(objective, timeout=asked.budget)
    searching = time.perf_counter() - began
    best = pipeline(asked, study.best_params).fit(asked.rows, asked.labels)

    def ask(rows: pd.DataFrame) -> Floats:
        return np.asarray(best.predict_proba(rows)[:, 1], dtype=np.float64)

    return Answer(
        predict=ask,
        one=lambda row: lambda: ask(row),
        trials=len(study.trials),
        searching=searching,
        notes=dict(study.best_params),
    )


def drawn(trial: Any) -> dict[str, Any]:
    """The usual knobs."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", *ROUNDS),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 8),
        "min_child_weight": trial.suggest_float("min_child_weight", 1, 50, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.01, 30, log=True),
        "k_neighbors": trial.suggest_int("k_neighbors", 3, 15),
    }


def pipeline(asked: Asked, knobs: dict[str, Any]) -> Any:
    """One-hot and imputation, because SMOTE takes neither text nor gaps; SMOTE; XGBoost."""
    from imblearn.over_sampling import SMOTE  # noqa: PLC0415  see optuna_naive
    from imblearn.pipeline import Pipeline  # noqa: PLC0415  the same
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415  the same
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  the same
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415  the same
    from xgboost import XGBClassifier  # noqa: PLC0415  the same

    rest = {name: value for name, value in knobs.items() if name != "k_neighbors"}
    numbers = [name for name in asked.names if name not in asked.categories]
    columns = ColumnTransformer([
        ("categories", OneHotEncoder(handle_unknown="ignore"), asked.categories),
        ("numbers", SimpleImputer(strategy="median"), numbers),
    ])  # fmt: skip
    return Pipeline([
        ("columns", columns),
        ("smote", SMOTE(k_neighbors=knobs["k_neighbors"], random_state=asked.seed)),
        ("model", XGBClassifier(n_jobs=asked.cores, random_state=asked.seed, **rest)),
    ])  # fmt: skip
