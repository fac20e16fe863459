"""What a model looks at: TreeSHAP contributions over a sample, and whether its folds agree.

TreeSHAP (Lundberg et al. 2020) shares a margin out among the features, exactly for trees. Its
mean size over rows says how much a feature moves answers, which gain does not: gain counts what
was won while fitting, chance included. It says what the model uses, not what causes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from training.boosters import Fitted
from training.by_lightgbm import leaves_of
from training.model import Matrix, Scorer
from training.report.explained import effects_figure, importance_figure, summary_figure
from training.report.section import Cell, Section, Table
from training.splits import Positions

MOST_ROWS, LEAST_ROWS = 2_000, 100
# TreeSHAP costs some 0.4 µs a leaf and row: one to two seconds for the model, half for its folds
VISITS, FOLD_VISITS = 4_000_000, 2_000_000
FOREMOST = 5
LEAST_FEATURES = 3  # for a rank correlation to say anything
AGREE, AGREE_SOMEWHAT = 0.8, 0.5
MONOTONE = 0.6  # rank correlation of value and contribution from which a direction is named

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Contributions of a sample of rows.

    Attributes:
        scorer: whose features and classes these are.
        matrix: the encoded rows, shape (n, features).
        parts: contributions, shape (n, margins, features): one margin for two classes.
        shares: of each feature in all contributions by size, shape (features,).
        folds: the same for each fold's booster alone, shape (boosters, features).
    """

    scorer: Scorer
    matrix: Matrix
    parts: Floats
    shares: Floats
    folds: Floats

    @property
    def ranked(self) -> list[int]:
        """Places of the features that count, foremost first, ties in the model's order."""
        order = np.argsort(-self.shares, kind="stable")
        return [int(i) for i in order if self.shares[i] > 0]

    def answered(self) -> Floats:
        """Contributions to what is answered, shape (n, features): the likeliest class of many."""
        if self.parts.shape[1] == 1:
            return self.parts[:, 0]
        likeliest = self.scorer.score_matrix(self.matrix).argmax(axis=1)
        return np.asarray(self.parts[np.arange(len(likeliest)), likeliest], dtype=np.float64)


def explanation_section(
    scorer: Scorer, matrix: Matrix, fold_boosters: Sequence[Fitted], seed: int = 0
) -> Section:
    """Importance with its spread over the folds, a summary of all rows, effects of the foremost.

    Args:
        scorer: the model as it will be served.
        matrix: encoded rows to explain, best such that it was not fitted on.
        fold_boosters: fitted on parts of the training rows; none: no spread is shown.
        seed: of the sample.
    """
    title = "What the model looks at"
    if not len(matrix):
        return Section(name="explanation", title=title, words="There are no rows to explain.")
    found = explained(scorer, matrix, fold_boosters, seed)
    if not found.ranked:
        words = "No feature moves any answer: the model says the same of everybody."
        return Section(name="explanation", title=title, words=words, warnings=(words,))
    agreement = agreements(found)
    return Section(
        name="explanation",
        title=title,
        words=in_words(found, agreement),
        tables={"importance": table(found)},
        figures=(
            ("importance", importance_figure(found)),
            ("summary", summary_figure(found)),
            ("effects", effects_figure(found)),
        ),
        metrics=agreement | {"foremost_share": float(found.shares[found.ranked[:FOREMOST]].sum())},
        details={"rows": len(found.matrix), "fold_boosters": len(found.folds)},
    )


def explained(
    scorer: Scorer, matrix: Matrix, fold_boosters: Sequence[Fitted], seed: int
) -> Explained:
    """Contributions on as many rows as the size of the trees allows."""
    most = affordable(leaves_of(scorer.engine.booster), VISITS)
    rows = matrix[sample(len(matrix), most, seed)]
    parts = margins_first(scorer.contributions(rows), scorer)
    fewer = rows[: affordable(sum(one.leaves() for one in fold_boosters), FOLD_VISITS)]
    folds = [shares_of(centred(one.contributions(fewer)[:, :, :-1])) for one in fold_boosters]
    return Explained(
        scorer=scorer,
        matrix=rows,
        parts=parts,
        shares=shares_of(parts),
        folds=np.array(folds).reshape(len(folds), rows.shape[1]),
    )


def affordable(leaves: int, visits: int) -> int:
    """Rows that so many visits to leaves are enough for: the trees decide, and no clock."""
    return int(np.clip(visits // max(leaves, 1), LEAST_ROWS, MOST_ROWS))


def sample(rows: int, most: int, seed: int) -> Positions:
    """A seeded sample in a drawn order, so that its first rows are a sample too."""
    drawn = np.random.default_rng(seed).permutation(rows)[:most]
    return np.asarray(drawn, dtype=np.int64)


def margins_first(contributions: Floats, scorer: Scorer) -> Floats:
    """A scorer's contributions as (n, margins, features), without the base."""
    several = contributions[:, None] if scorer.kind == "binary" else contributions
    return several[:, :, :-1]


def centred(parts: Floats) -> Floats:
    """Margins of more than two classes hold up to a constant a row; take their mean out."""
    return parts if parts.shape[1] == 1 else parts - parts.mean(axis=1, keepdims=True)


def shares_of(parts: Floats) -> Floats:
    """Mean size of each feature's contributions as a share of all, shape (features,)."""
    sizes = np.abs(parts).mean(axis=(0, 1))
    total = float(sizes.sum())
    return np.asarray(sizes / total if total else sizes, dtype=np.float64)


def agreements(found: Explained) -> dict[str, float]:
    """How alike the folds' boosters rank the features, over all pairs of them.

    Returns:
        `rank_correlation`: Spearman's, over features that any of them uses; and
        `foremost_shared`: how many of the five foremost two of them share. Empty where fewer
        than two boosters or three features can be compared.
    """
    used = found.folds[:, (found.folds > 0).any(axis=0)]
    if len(used) < 2 or used.shape[1] < LEAST_FEATURES:  # noqa: PLR2004  # a pair
        return {}
    ranks = rankdata(-used, axis=1)
    order = np.argsort(-used, axis=1, kind="stable")[:, :FOREMOST]
    pairs = list(combinations(range(len(used)), 2))
    return {
        "rank_correlation": float(np.mean([correlation(ranks[a], ranks[b]) for a, b in pairs])),
        "foremost_shared": float(np.mean([len({*order[a]} & {*order[b]}) for a, b in pairs])),
    }


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's; 0 where either is constant, which tells nothing of the other."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def in_words(found: Explained, agreement: dict[str, float]) -> str:
    """What a person should take away."""
    names = found.scorer.encoder.names
    named = [f"{names[i]} ({found.shares[i]:.0%})" for i in found.ranked[:3]]
    foremost = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    bends = found.scorer.calibrator["method"] in {"isotonic", "beta"}
    words = (
        f"Of all that moves answers, most comes from {foremost}"
        f"{', measured before calibration' if bends else ''}. "
        "This is what the model uses, and not what causes anything."
    )
    if not agreement:
        return words
    rho = agreement["rank_correlation"]
    said = (
        "agree on the order of the features" if rho >= AGREE
        else "agree roughly on the order of the features" if rho >= AGREE_SOMEWHAT
        else "do not agree on the order of the features, so take it as one of several"
    )  # fmt: skip
    return (
        f"{words} The boosters of {len(found.folds)} folds {said}: rank correlation {rho:.2f}, "
        f"and any two share {agreement['foremost_shared']:.1f} of their foremost {FOREMOST}."
    )


def table(found: Explained) -> Table:
    """Every feature that counts, with what it is and how it works."""
    scorer, folds = found.scorer, found.folds
    meanings = scorer.facts.get("meanings", {})
    sizes = np.abs(found.parts).mean(axis=(0, 1))
    rows: list[tuple[Cell, ...]] = [
        (
            scorer.encoder.names[i],
            meanings.get(scorer.encoder.names[i], {}).get("words"),
            float(found.shares[i]),
            float(folds[:, i].min()) if len(folds) else None,
            float(folds[:, i].max()) if len(folds) else None,
            float(sizes[i]),
            effect(found, i),
        )
        for i in found.ranked
    ]
    columns = (
        "feature", "meaning", "share", "least fold", "most fold", "mean size", "effect"
    )  # fmt: skip
    # a plain table has no meanings, one booster no folds
    known = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    return Table(
        columns=tuple(columns[place] for place in known),
        rows=[tuple(row[place] for place in known) for row in rows],
    )


def effect(found: Explained, i: int) -> str | None:
    """Which way a feature works, in a few words; None where it has none that can be named."""
    scorer, codes = found.scorer, found.matrix[:, i]
    name, kind = scorer.features[i]
    if found.parts.shape[1] > 1:
        by_class = np.abs(found.parts[:, :, i]).mean(axis=0)
        return f"most on {scorer.classes[int(by_class.argmax())]}"
    known = ~np.isnan(codes)
    if not known.any():
        return None
    parts, codes = found.parts[known, 0, i], codes[known]
    if kind == "category":
        present = np.unique(codes)
        means = [parts[codes == code].mean() for code in present]
        highest = scorer.encoder.categories[name][int(present[int(np.argmax(means))])]
        return f"highest with {highest}"
    rho = correlation(rankdata(codes), rankdata(parts))
    if abs(rho) < MONOTONE:
        return "up and down"
    return "more raises" if rho > 0 else "more lowers"
