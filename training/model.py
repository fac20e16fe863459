"""The served model, as it travels with every version: this file is copied into the version.

It stands alone (standard library, numpy, pandas, MLflow and one booster library), so that
`mlflow models serve` and `mlflow.pyfunc.load_model` work where Onramp is not installed, and it
reads a native booster file and JSON, so that nothing is ever unpickled. Training scores its
test rows with this very class.
"""

from __future__ import annotations

import ctypes
import json
import math
import threading
import weakref
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

Matrix = npt.NDArray[np.float64]
Value = float | int | str | bool | None
Reason = dict[str, Any]
REASON = ("feature", "value", "contribution", "direction", "words")

FACTS = "model.json"
FOREST = "forest.txt"
FOLDER = "version"  # the name of the one artifact folder that a version's files live in
FEW = 8  # rows that are quicker one by one
LARGEST = 1e30  # numbers beyond are this: float32 boosters and squares stay finite
PLAIN = {int, float, type(None)}  # what numpy reads as `number` does
SMALLEST = 1e-7  # probabilities stay inside (0, 1): float32 boosters cannot tell less


class Encoder:
    """Feature values → one float64 matrix, as both boosters take it.

    A category becomes its place among the stored categories. What the training rows did not
    have (an unseen category, an infinite number, text where a number belongs) is missing.

    Attributes:
        features: (name, "number" | "category") in the order of the matrix.
        names: of the features.
        category_columns: where the categories stand.
        categories: category feature → its known values.
    """

    def __init__(
        self, features: Sequence[tuple[str, str]], categories: Mapping[str, Sequence[str]]
    ) -> None:
        self.features = tuple((str(name), str(kind)) for name, kind in features)
        self.names = tuple(name for name, _ in self.features)
        self.category_columns = tuple(
            i for i, (_, kind) in enumerate(self.features) if kind == "category"
        )
        self.categories = {name: tuple(values) for name, values in categories.items()}
        self.codes = {
            name: {value: float(code) for code, value in enumerate(values)}
            for name, values in self.categories.items()
        }
        self._coded = [(i, self.codes[self.names[i]]) for i in self.category_columns]

    def matrix(self, frame: pd.DataFrame) -> Matrix:
        """Encode a frame; a column that it lacks is missing in every row."""
        matrix = np.full((len(frame), len(self.features)), np.nan)
        for position, (name, kind) in enumerate(self.features):
            if name not in frame.columns:
                continue
            column = frame[name]
            if kind == "category":
                # by object: pandas' string types would keep their own missing value
                coded = column.astype(object).map(self.codes[name])
                matrix[:, position] = coded.to_numpy(dtype=np.float64, na_value=np.nan)
            else:
                matrix[:, position] = numbers(column)
        matrix[~np.isfinite(matrix)] = np.nan
        return np.clip(matrix, -LARGEST, LARGEST, out=matrix)

    def rows(self, rows: Sequence[Mapping[str, Value]]) -> Matrix:
        """Encode a few rows without a frame, which would cost more than the model."""
        return self.cells([[row.get(name) for name in self.names] for row in rows])

    def cells(self, cells: Sequence[Sequence[Value]]) -> Matrix:
        """Encode rows whose values stand in the features' order, (rows, features)."""
        found: list[list[Value]] = [list(row) for row in cells]
        for place, codes in self._coded:
            for row in found:
                value = row[place]
                row[place] = codes.get(value) if isinstance(value, str) else None
        matrix = plain(found, len(self.names))
        matrix[~np.isfinite(matrix)] = np.nan
        np.maximum(matrix, -LARGEST, out=matrix)  # the two take half of np.clip's time
        return np.minimum(matrix, LARGEST, out=matrix)


def plain(cells: Sequence[Sequence[Value]], width: int) -> Matrix:
    """Cells as floats, shape (rows, width): at once where all are numbers or nothing."""
    if set(map(type, chain.from_iterable(cells))) <= PLAIN:
        try:
            return np.array(cells, dtype=np.float64).reshape(len(cells), width)
        except OverflowError:  # a whole number beyond any float
            pass
    found = [[math.nan if cell is None else number(cell) for cell in row] for row in cells]
    return np.array(found, dtype=np.float64).reshape(len(cells), width)


def numbers(column: pd.Series[Any]) -> Matrix:
    """A column's values as floats; what is no number is NaN."""
    try:
        found = pd.to_numeric(column, errors="coerce")
    except (TypeError, OverflowError):  # a list among them, or a whole number beyond any float
        return np.array([number(value) for value in column])
    return np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))


def number(value: Value) -> float:
    """A finite float no larger than LARGEST, or not a number at all."""
    try:
        found = float(value)  # type: ignore[arg-type]  # None does not come here; text may fail
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return min(max(found, -LARGEST), LARGEST) if math.isfinite(found) else math.nan


def normalised(probabilities: Matrix) -> Matrix:
    """Rows that sum to one, with no entry at exactly 0 or 1."""
    clipped = np.minimum(np.maximum(probabilities, SMALLEST), 1 - SMALLEST)  # half of np.clip's
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True), dtype=np.float64)


def calibrate(calibrator: Mapping[str, Any], raw: Matrix) -> Matrix:
    """Apply a stored calibrator to raw class probabilities of shape (n, classes).

    none: as they are. scaling: softmax(log p / temperature + bias), which for two classes is
    Platt's sigmoid (Platt 1999; Guo et al. 2017 for more classes). prior: the same with a known
    bias and no temperature (Saerens et al. 2002). beta: two classes, log-odds of
    a log p − b log(1 − p) + c (Kull et al. 2017). isotonic: one rising curve a class
    (Zadrozny & Elkan 2002; Oron & Flournoy 2017).
    """
    probabilities = normalised(raw)
    method = calibrator["method"]
    if method == "none":
        return probabilities
    if method in {"scaling", "prior"}:
        logs = np.log(probabilities)
        return normalised(softmax(logs / calibrator["temperature"] + calibrator["bias"]))
    if method == "beta":
        no, yes = np.log(probabilities).T
        logit = calibrator["a"] * yes - calibrator["b"] * no + calibrator["c"]
        return normalised(softmax(np.column_stack([np.zeros(len(logit)), logit])))
    if method == "isotonic":
        curves = calibrator["curves"]
        columns = probabilities.T[-len(curves) :]  # two classes have one curve, the second's
        mapped = [np.interp(p, c["x"], c["y"]) for p, c in zip(columns, curves, strict=True)]
        return normalised(np.column_stack(mapped if len(mapped) > 1 else [1 - mapped[0], *mapped]))
    raise ValueError(f"{FACTS} names an unknown calibrator {method!r}.")


def softmax(logits: Matrix) -> Matrix:
    """Probabilities from log-probabilities up to a constant a row."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float64)


def probabilities_of(margins: Matrix) -> Matrix:
    """Class probabilities of shape (n, classes) for margins: log-odds (n, 1) or logits (n, K)."""
    if margins.shape[1] == 1:
        both = np.zeros((len(margins), 2))
        both[:, 1] = margins[:, 0]
        margins = both
    return softmax(margins)


class OneRow:
    """LightGBM's own way for one row: set up once, where `predict` sets up at every call.

    `LGBM_BoosterPredictForMatSingleRowFast` is part of LightGBM's C interface and has no method
    in Python. What it works in is reused, hence the lock.
    """

    def __init__(self, booster: lightgbm.Booster) -> None:
        self._library = lightgbm.basic._LIB  # noqa: SLF001  # there is no public name
        self._booster = booster  # must outlive what is set up below
        self._row = np.empty(booster.num_feature())
        self._found = np.empty(booster.num_model_per_iteration())
        self._settings, length = ctypes.c_void_p(), ctypes.c_int64()
        raw, float64 = ctypes.c_int(1), ctypes.c_int(1)  # C_API_PREDICT_RAW_SCORE, C_API_DTYPE_…
        self._checked(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle, raw, ctypes.c_int(0), ctypes.c_int(-1), float64,  # noqa: SLF001
                ctypes.c_int(len(self._row)), b"num_threads=1", ctypes.byref(self._settings),
            )
        )  # fmt: skip
        weakref.finalize(self, self._library.LGBM_FastConfigFree, self._settings)
        self._places = (
            ctypes.c_void_p(self._row.ctypes.data), ctypes.byref(length),
            ctypes.c_void_p(self._found.ctypes.data),
        )  # fmt: skip
        self._lock = threading.Lock()

    def margins(self, row: Matrix) -> Matrix:
        """Of shape (1, outputs) for a row of shape (features,)."""
        with self._lock:
            self._row[:] = row
            call = self._library.LGBM_BoosterPredictForMatSingleRowFast
            self._checked(call(self._settings, *self._places))
            return self._found[None].copy()

    def _checked(self, code: int) -> None:
        if code:
            said = self._library.LGBM_GetLastError
            said.restype = ctypes.c_char_p
            raise ValueError(f"LightGBM refused the row: {said().decode('utf-8', 'replace')}")


class ForestModel:
    """All chosen boosters' trees in one native LightGBM file, predicting with one thread."""

    def __init__(self, path: Path) -> None:
        self.booster = lightgbm.Booster(model_file=str(path))
        self._one = OneRow(self.booster)

    def margins(self, matrix: Matrix) -> Matrix:
        """Of shape (n, 1) for two classes, (n, classes) for more."""
        if 0 < len(matrix) <= FEW:
            return np.concatenate([self._one.margins(row) for row in matrix])
        return self._asked(matrix, raw_score=True)[:, :, 0]

    def contributions(self, matrix: Matrix) -> Matrix:
        """What each feature adds to each margin, the base last: (n, margins, features + 1)."""
        return self._asked(matrix, pred_contrib=True)

    def _asked(self, matrix: Matrix, **kind: bool) -> Matrix:
        outputs = self.booster.num_model_per_iteration()
        if not len(matrix):  # which LightGBM refuses
            return np.empty((0, outputs, matrix.shape[1] + 1))
        found = np.asarray(self.booster.predict(matrix, num_threads=1, **kind), dtype=np.float64)
        return found.reshape(len(matrix), outputs, -1)


class Scorer:
    """Features in, calibrated class probabilities out.

    Attributes:
        task: name of the task.
        kind: binary or multiclass.
        classes: what the columns of the probabilities mean; binary: ("no", "yes").
        features: (name, "number" | "category") in order.
        threshold: binary: the answer is "yes" from this probability on.
        facts: everything in model.json.
    """

    def __init__(self, facts: Mapping[str, Any], engine: ForestModel) -> None:
        self.facts, self.engine = facts, engine
        self.task, self.kind = str(facts["task"]), str(facts["kind"])
        self.classes: tuple[str, ...] = tuple(facts["classes"])
        self.threshold = float(facts["threshold"])
        self.calibrator: Mapping[str, Any] = facts["calibrator"]
        self.encoder = Encoder(facts["features"], facts["categories"])

    @classmethod
    def from_folder(cls, path: str | Path) -> Scorer:
        """Read the forest and the facts from a version's files."""
        folder = Path(path)
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return cls(facts, ForestModel(folder / FOREST))

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        return self.encoder.features

    def score(self, frame: pd.DataFrame) -> Matrix:
        """Probabilities of shape (rows, classes) for a frame of features."""
        return self.score_matrix(self.encoder.matrix(frame))

    def score_rows(self, rows: Sequence[Mapping[str, Value]]) -> Matrix:
        """Probabilities of shape (rows, classes) for a few rows, by feature name."""
        return self.score_matrix(self.encoder.rows(rows))

    def score_cells(self, cells: Sequence[Sequence[Value]]) -> Matrix:
        """The same for rows whose values stand in the features' order."""
        return self.score_matrix(self.encoder.cells(cells))

    def score_matrix(self, matrix: Matrix) -> Matrix:
        """Probabilities of shape (rows, classes) for an encoded matrix."""
        return calibrate(self.calibrator, probabilities_of(self.engine.margins(matrix)))

    def answers(self, probabilities: Matrix) -> list[str]:
        """The decision in words for each row."""
        if self.kind == "binary":
            return [self.classes[int(p >= self.threshold)] for p in probabilities[:, 1].tolist()]
        return [self.classes[i] for i in probabilities.argmax(axis=1)]

    def contributions(self, matrix: Matrix) -> Matrix:
        """What each feature adds to an answer: TreeSHAP (Lundberg et al. 2020), the base last.

        Two classes: (n, features + 1), rows sum to calibrated log-odds. More: (n, classes,
        features + 1), sums are log-probabilities less their mean over classes. Calibration that
        bends (isotonic, beta) has no factor: then it is all of what calibration was given.
        """
        bends = self.calibrator["method"] in {"isotonic", "beta"}
        line: Mapping[str, Any] = {} if bends else self.calibrator
        parts: Matrix = self.engine.contributions(matrix) / line.get("temperature", 1.0)
        bias = np.asarray(line.get("bias", [0.0] * len(self.classes)))
        parts[:, :, -1] += bias[1:] - bias[:1] if self.kind == "binary" else bias
        return parts[:, 0] if self.kind == "binary" else parts - parts.mean(axis=1, keepdims=True)

    def reasons(self, rows: Sequence[Mapping[str, Value]], k: int = 3) -> list[list[Reason]]:
        """The at most k features that weigh most in each row's answer, heaviest first.

        Each: feature, value (None where missing), contribution (to the likeliest class where
        there are more than two), direction ("raises" or "lowers"), and words for people.
        """
        matrix, found = self.encoder.rows(rows), []
        answers = zip(self.contributions(matrix), self.score_matrix(matrix), strict=True)
        for row, codes, (parts, p) in zip(rows, matrix, answers, strict=True):
            binary, at = self.kind == "binary", int(p.argmax())
            aim = self.facts.get("outcome", "chance") if binary else f"chance of {self.classes[at]}"
            mine = parts if binary else parts[at]
            order = np.argsort(-np.abs(mine[:-1]), kind="stable")[:k]
            found.append([self._reason(i, row, codes[i], mine[i], aim) for i in order if mine[i]])
        return found

    def _reason(
        self, i: int, row: Mapping[str, Value], code: float, part: float, aim: str
    ) -> Reason:
        name, kind = self.features[i]
        value: Value = None if math.isnan(code) else float(code)
        if kind == "category":  # as it was given, also where training never saw it
            value = row[name] if isinstance(row.get(name), str) else None
        meaning = self.facts.get("meanings", {}).get(name, {"words": name})
        way = "raises" if part > 0 else "lowers"
        words = f"{meaning['words']}: {spoken(value, meaning)} ({way} the {aim})"
        return dict(zip(REASON, (name, value, float(part), way, words), strict=True))


def spoken(value: Value, meaning: Mapping[str, str]) -> str:
    """A value as people write it, with its unit; numbers with four digits that matter."""
    if value is None or isinstance(value, str):
        return value or meaning.get("absent", "not known")
    unit, _, rest = meaning.get("unit", "").partition(" ")
    if unit == "share":
        return f"{value:.0%}"
    if unit == "flag":
        return "yes" if value else "no"
    digits = f"{float(f'{value + 0.0:.4g}'):,.15g}"
    return f"{digits} {unit.removesuffix('s') if value == 1 else unit} {rest}".strip()


def answered(scorer: Scorer, rows: pd.DataFrame) -> pd.DataFrame:
    """Binary: probability, answer. Multiclass: answer, probability, and p_<class> each."""
    probabilities = scorer.score(rows)
    answers = scorer.answers(probabilities)
    if scorer.kind == "binary":
        return pd.DataFrame({"probability": probabilities[:, 1], "answer": answers})
    columns = {f"p_{name}": probabilities[:, i] for i, name in enumerate(scorer.classes)}
    return pd.DataFrame({"answer": answers, "probability": probabilities.max(axis=1), **columns})


def serve() -> None:
    """Hand MLflow what it loads. `unwrap_python_model().scorer` is the scorer itself."""
    import mlflow  # noqa: PLC0415  # seconds, which training and its workers are spared

    class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow ships no types
        scorer: Scorer

        def load_context(self, context: Any) -> None:
            self.scorer = Scorer.from_folder(context.artifacts[FOLDER])

        def predict(
            self,
            context: Any,  # noqa: ARG002  # MLflow's signature
            model_input: pd.DataFrame,
            params: dict[str, Any] | None = None,  # noqa: ARG002  # MLflow's signature
        ) -> pd.DataFrame:
            return answered(self.scorer, model_input)

    mlflow.models.set_model(ServedModel())


if __name__ != "training.model":  # MLflow loads a version's copy under a name of its own
    serve()
