"""Each method of balancing on the search's own folds, with the chosen booster.

All is out of fold. Calibration is too: the validation rows of one fold are scaled by what was
fitted on those of the others (with one fold: entities in two halves, each scaled by the other).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lifecycle.gate import Difference
from lifecycle.metrics import Labels
from lifecycle.progress import Progress, silent
from lifecycle.space import Balancing
from lifecycle.task import Kind
from training.balancing.balance import INTERPOLATING, Balance
from training.balancing.contrast import Contest, differences
from training.calibration import fit_scaling
from training.folds import FoldCache, Problem
from training.model import Matrix, calibrate
from training.parts import Names
from training.search.plan import Candidate
from training.search.scoring import fit_fold
from training.subsample import whole_entities

MOST_ROWS = 4_000
METHODS: tuple[Balancing, ...] = (
    "none", "class_weight", "smote", "smotenc", "borderline", "under",
)  # fmt: skip
BOTH = 2


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One method of balancing, out of fold.

    Attributes:
        raw: probabilities of every validation row, shape (n, classes).
        calibrated: the same after scaling.
        note: why less was done than was asked, in any fold.
        done: whether it changed the rows of any fold.
    """

    balance: Balance
    raw: Matrix
    calibrated: Matrix
    note: str = ""
    done: bool = True


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Every method on the same rows.

    Attributes:
        labels: of the validation rows, shape (n,).
        entities: whose each is, shape (n,).
        tried: by method; `none` first.
        before: method → metric → its difference to `none`, both as the boosters say it.
        after: the same, both calibrated.
        sampled: the share of the problem's rows that was used.
    """

    kind: Kind
    candidate: Candidate
    labels: Labels
    entities: Names
    tried: Mapping[Balancing, Tried]
    before: Mapping[str, Mapping[str, Difference]]
    after: Mapping[str, Mapping[str, Difference]]
    sampled: float


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The validation rows of all folds, one after the other.

    Attributes:
        rows: row numbers of the problem.
        parts: those of one part are scaled by what the others say.
    """

    rows: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int64]


def ablate(
    kind: Kind, problem: Problem, candidate: Candidate, entities: Names, seed: int,
    progress: Progress = silent,
) -> Ablation:  # fmt: skip
    """Fit and compare every method that the table allows.

    Above 4,000 rows on a sample of whole entities. The SMOTEs and under-sampling take the
    candidate's k and ratio where it is resampled itself, else 5 and 1.

    Args:
        kind: binary or multiclass.
        problem: the search's rows and folds.
        candidate: whose booster and parameters are used.
        entities: whose each row is, shape (rows,).
        seed: of the sample, the halves and the intervals.
        progress: told of every method.
    """
    less, owners = whole_entities(problem, np.asarray(entities, dtype=object), MOST_ROWS, seed)
    validated = validated_rows(less, owners, seed)
    cache = FoldCache(less)
    balances = [balance_for(one, candidate) for one in METHODS if applies(one, less)]
    tried: dict[Balancing, Tried] = {}
    with progress("balancing", len(balances)) as advance:
        for balance in balances:
            tried[balance.method] = try_out(cache, candidate, balance, validated)
            advance(1, balance.method)
    labels, owners = less.labels[validated.rows], owners[validated.rows]

    def against_none(answers: Mapping[Balancing, Matrix]) -> dict[str, dict[str, Difference]]:
        others: dict[str, Matrix] = {name: answers[name] for name in answers if name != "none"}
        contest = Contest(
            kind=kind, labels=labels, reference=answers["none"], others=others, entities=owners
        )
        return differences(contest, seed)

    return Ablation(
        kind=kind,
        candidate=candidate,
        labels=labels,
        entities=owners,
        tried=tried,
        before=against_none({name: one.raw for name, one in tried.items()}),
        after=against_none({name: one.calibrated for name, one in tried.items()}),
        sampled=len(less.labels) / len(problem.labels),
    )


def applies(method: Balancing, problem: Problem) -> bool:
    """SMOTENC without categories is SMOTE by another name."""
    return method != "smotenc" or bool(problem.encoder.category_columns)


def balance_for(method: Balancing, candidate: Candidate) -> Balance:
    """Alike for all methods, so that only the method differs."""
    chosen = candidate.balance
    if chosen.method in INTERPOLATING:
        return replace(chosen, method=method).plain
    ratio = chosen.ratio if chosen.method == "under" else Balance.ratio
    return Balance(method=method, ratio=ratio).plain


def validated_rows(problem: Problem, entities: Names, seed: int) -> Validated:
    """Pool the folds; a lone fold is halved by entity so that it can be calibrated."""
    validate = [side for _, side in problem.folds]
    rows = np.concatenate(validate)
    parts = np.repeat(np.arange(len(validate)), [len(side) for side in validate])
    if len(validate) < BOTH:
        names, codes = np.unique(entities[rows].astype(str), return_inverse=True)
        parts = (np.random.default_rng(seed).permutation(len(names)) % BOTH)[codes]
    return Validated(rows=rows, parts=parts)


def try_out(
    cache: FoldCache, candidate: Candidate, balance: Balance, validated: Validated
) -> Tried:
    """Fit on every fold; the answers on its validation rows, before and after scaling."""
    balanced = replace(candidate, balance=balance)
    problem, answers = cache.problem, []
    notes: dict[str, None] = {}
    done = False
    for fold, (_, validate) in enumerate(problem.folds):
        answers.append(fit_fold(balanced, cache, fold).predict(problem.matrix[validate]))
        rows = cache.balanced(fold, balance)
        notes |= dict.fromkeys(filter(None, [rows.reason]))
        done |= rows.changed
    raw = np.vstack(answers)
    scaled = scaled_by_others(raw, problem.labels[validated.rows], validated.parts)
    return Tried(balance=balance, raw=raw, calibrated=scaled, note=" ".join(notes), done=done)


def scaled_by_others(raw: Matrix, labels: Labels, parts: npt.NDArray[np.int64]) -> Matrix:
    """Each part's probabilities under a scaling fitted on the other parts; alone it stays raw."""
    scaled = calibrate({"method": "none"}, raw)
    for part in np.unique(parts):
        inside = parts == part
        if not inside.all():
            scaled[inside] = calibrate(fit_scaling(raw[~inside], labels[~inside]), raw[inside])
    return scaled
