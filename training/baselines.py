"""What a booster must beat: the class shares, a plain logistic regression, nearest neighbours."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lifecycle.metrics import Labels
from lifecycle.task import Kind
from training.model import Encoder, Matrix

MOST_ROWS = 10_000
MOST_ITERATIONS = 100
NEIGHBOURS = 50
MOST_WORK = 4e9  # of pairs of rows × columns that neighbours may cost: about a second
PAIR = 50  # columns that take as long as keeping the nearest of a pair
LEAST_ROWS = 500  # that neighbours are sought among, whatever it costs
LARGEST = 1e100  # beyond it a square overflows


def answers(
    kind: Kind, encoder: Encoder, train: tuple[Matrix, Labels], test: Matrix, seed: int
) -> dict[str, Matrix]:
    """Class probabilities of the test rows by each baseline of the kind.

    `prior` ranks classes by how common they are: with several classes that is popularity.

    Args:
        kind: several classes have nearest neighbours too.
        encoder: of the matrices.
        train: matrix and labels, with a row of each class.
        test: shape (rows, features); may have no rows.
        seed: of the sample that a yardstick is fitted on.
    """
    matrix, labels = train
    found = {
        "prior": prior(labels, int(labels.max()) + 1, len(test)),
        "logistic_regression": logistic_regression(encoder, matrix, labels, test, seed),
    }
    if kind == "multiclass":
        found["nearest_neighbour"] = nearest_neighbour(encoder, matrix, labels, test, seed)
    return found


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
    classes = int(labels.max()) + 1
    matrix, labels = sample(matrix, labels, MOST_ROWS, seed)
    model = make_pipeline(table(encoder), LogisticRegression(max_iter=MOST_ITERATIONS))
    with warnings.catch_warnings():
        # a yardstick may stop short of the last digit
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(limited(matrix), labels)
    return spread(model, limited(test), classes)


def nearest_neighbour(
    encoder: Encoder, matrix: Matrix, labels: Labels, test: Matrix, seed: int
) -> Matrix:
    """Class shares among the 50 nearest training rows, in the logistic regression's own table.

    One row of the classes' shares is added to each neighbourhood, so that no class has
    probability 0. Neighbours are sought among at most 10,000 training rows, drawn by seed, and
    among fewer where many test rows and columns would take seconds: it is a yardstick.
    """
    classes = int(labels.max()) + 1
    shares = np.bincount(labels, minlength=classes) / len(labels)
    matrix, labels = sample(matrix, labels, MOST_ROWS, seed)
    places = table(encoder)
    points = places.fit_transform(limited(matrix)).astype(np.float32)
    points, labels = sample(points, labels, affordable(len(test), points.shape[1]), seed)
    k = min(NEIGHBOURS, len(labels))
    model = KNeighborsClassifier(k, algorithm="brute").fit(points, labels)
    asked = places.transform(limited(test)).astype(np.float32) if len(test) else test
    return (spread(model, asked, classes) * k + shares) / (k + 1)


def affordable(asked: int, width: int) -> int:
    """How many rows neighbours may be sought among, for so many asked and columns."""
    return max(LEAST_ROWS, int(MOST_WORK / (max(asked, 1) * (width + PAIR))))


def table(encoder: Encoder) -> ColumnTransformer:
    """Numbers: median, standardised, a flag where missing. Categories: one column each."""
    numbers = [i for i in range(len(encoder.names)) if i not in encoder.category_columns]
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(filled, StandardScaler()), numbers),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                list(encoder.category_columns),
            ),
        ]
    )


def limited(matrix: Matrix) -> Matrix:
    """Numbers whose squares are numbers."""
    return np.clip(matrix, -LARGEST, LARGEST)


def sample(matrix: Matrix, labels: Labels, rows: int, seed: int) -> tuple[Matrix, Labels]:
    """At most so many rows, drawn by seed, in their order."""
    if len(labels) <= rows:
        return matrix, labels
    chosen = np.sort(np.random.default_rng(seed).choice(len(labels), rows, replace=False))
    return matrix[chosen], labels[chosen]


def spread(model: Any, test: Matrix, classes: int) -> Matrix:
    """The model's probabilities, with a column for each class that its sample lacked too."""
    found = np.zeros((len(test), classes))
    if len(test):
        found[:, model.classes_] = model.predict_proba(test)
    return found
