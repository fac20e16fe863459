"""What a booster must beat: the class shares, and a plain logistic regression."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lifecycle.metrics import Labels
from training.model import Encoder, Matrix

MOST_ROWS = 10_000
MOST_ITERATIONS = 100


def prior(labels: Labels, classes: int, rows: int) -> Matrix:
    """The training rows' class shares, for every row; shape (rows, classes)."""
    shares = np.bincount(labels, minlength=classes) / len(labels)
    return np.tile(shares, (rows, 1))


def logistic_regression(
    encoder: Encoder, matrix: Matrix, labels: Labels, test: Matrix, seed: int
) -> Matrix:
    """Class probabilities of the test rows by a regularised logistic regression.

    Numbers: median, standardised, with a flag where missing. Categories: one column each.
    Above 10,000 training rows a seeded sample is used: it is a yardstick.
    """
    if len(labels) > MOST_ROWS:
        chosen = np.random.default_rng(seed).choice(len(labels), MOST_ROWS, replace=False)
        matrix, labels = matrix[np.sort(chosen)], labels[np.sort(chosen)]
    categories = list(encoder.category_columns)
    numbers = [i for i in range(matrix.shape[1]) if i not in encoder.category_columns]
    table = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                    StandardScaler(),
                ),
                numbers,
            ),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ]
    )
    model = make_pipeline(table, LogisticRegression(max_iter=MOST_ITERATIONS))
    with warnings.catch_warnings():
        # a yardstick may stop short of the last digit
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, labels)
    return np.asarray(model.predict_proba(test), dtype=np.float64)
