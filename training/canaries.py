"""Canaries: checks in every training that notice what is too good to be true.

Three birds and a test of the cage: a shuffled label must score at chance; no feature may nearly
decide the label, or the time, by itself; and a column planted with the answer in it must be
noticed, or the check for such columns is blind on these rows and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lifecycle.metrics import known, measured
from lifecycle.task import Kind
from training.alone import Alone, Codes, alone, each_alone
from training.chance import Ranking, out_of_fold, ranking, shuffled_ranking
from training.folds import Problem
from training.parts import Names
from training.report.figures import axes, named_bars
from training.report.section import Section, Table
from training.search.plan import Candidate
from training.subsample import whole_entities

MOST_ROWS = 6_000  # judged on a sample of whole customers beyond
DECIDES = 0.95  # AUC of one feature that nearly decides the label
CARRIES = 0.9  # share of the model's lead over chance that one feature has alone …
STRONG = 0.85  # … which is suspect where it is strong, and common where all are weak
APART = 0.1  # of values in common: less, and the feature tells early customers from late ones
FLIPPED = 0.02  # of the planted answers
SHOWN = 20
PLANTED = "planted answer"


@dataclass(frozen=True, kw_only=True)
class Songs:
    """What the canaries found.

    Attributes:
        model: how the candidate ranks out of fold; `chance`: after its labels were shuffled.
        features: each by itself, most telling first.
        planted: a column made of the answers, beside them.
    """

    model: Ranking
    chance: Ranking
    features: tuple[Alone, ...]
    planted: Alone

    def share(self, feature: Alone) -> float:
        """Of the model's lead over chance; NaN where the model has none."""
        lead = self.model.auc - 0.5
        return (feature.auc - 0.5) / lead if lead > 0 else float("nan")

    def decides(self, feature: Alone) -> bool:
        return max(feature.auc, feature.best_class_auc) >= DECIDES or (
            self.carries(feature) and feature.auc >= STRONG
        )

    def carries(self, feature: Alone) -> bool:
        """Alone nearly as good as all: worth knowing, and no fault by itself."""
        return self.model.told and self.share(feature) >= CARRIES


def canary_section(
    kind: Kind,
    problem: Problem,
    candidate: Candidate,
    entities: Names,
    names: Sequence[str],
    seed: int,
) -> Section:
    """Let the canaries sing over the rows of a search.

    Args:
        kind: of the task.
        problem: the search's own rows and folds.
        candidate: what it chose.
        entities: whose each row is, shape (rows,).
        names: of the columns of the matrix.
        seed: of the sample, the shuffling and the planted column.
    """
    whose = np.asarray(entities, dtype=object)
    less, owners = whole_entities(problem, whose, MOST_ROWS, seed)
    real = out_of_fold(less, candidate, less.labels, candidate.typical_rounds)
    features = sorted(each_alone(less, names), key=lambda f: (-rank_of(f), f.name))
    songs = Songs(
        model=ranking(less.labels, real, owners),
        chance=shuffled_ranking(less, candidate, owners, seed),
        features=tuple(features),
        planted=planted(less, seed),
    )
    return Section(
        name="canaries",
        title="Too good to be true?",
        words=words(songs, kind),
        tables={"features_alone": table(songs, kind)},
        figures=(("alone", figure(songs)),) if features else (),
        metrics=metrics(songs),
        warnings=warnings(songs),
    )


def rank_of(feature: Alone) -> float:
    """For sorting: what could not be measured comes last."""
    best = max(feature.auc, feature.best_class_auc)
    return best if np.isfinite(best) else -1.0


def planted(problem: Problem, seed: int) -> Alone:
    """What the check finds in a column that holds the answer, a few of them wrong."""
    rng = np.random.default_rng(seed)
    codes: Codes = problem.labels.copy()
    wrong = rng.random(len(codes)) < FLIPPED
    codes[wrong] = rng.integers(problem.settings.classes, size=int(wrong.sum()))
    return alone(PLANTED, codes, problem)


def warnings(songs: Songs) -> tuple[str, ...]:
    """What a person must look at."""
    found = [
        f"{f.name} alone nearly decides the label (AUC {max(f.auc, f.best_class_auc):.3f}): "
        "is it known at the moment?"
        for f in songs.features
        if songs.decides(f)
    ]
    found += [
        f"{f.name} tells early customers from late ones ({f.overlap:.0%} of its values in "
        "common): what is learnt from it does not hold for those who come."
        for f in songs.features
        if f.overlap <= APART
    ]
    if songs.chance.above_chance:
        found.append(
            f"With shuffled labels the model still ranks unseen rows (AUC {songs.chance.auc:.3f} "
            f"± {songs.chance.error:.3f}, chance is 0.5): rows that are judged reach the model. "
            "Is somebody there under two names?"
        )
    if not songs.decides(songs.planted):
        found.append(
            "The check for leaks is blind here: a planted answer was not noticed. "
            "There are too few rows out of fold."
        )
    return tuple(found)


def words(songs: Songs, kind: Kind) -> str:
    """What a person should take away."""
    of = "" if kind == "binary" else " (one class against the rest)"
    said = [chance_words(songs.chance)]
    deciding = [f.name for f in songs.features if songs.decides(f)]
    first = songs.features[0] if songs.features else None
    if deciding:
        said.append(f"Too good to be true by themselves{of}: {', '.join(deciding)}.")
    elif first is not None and np.isfinite(first.auc):
        said.append(
            f"No feature nearly decides the label by itself{of}: the most telling, {first.name}, "
            f"has an AUC of {first.auc:.3f} alone, the model {songs.model.auc:.3f}."
        )
        if songs.carries(first):
            said.append(f"{first.name} carries the model nearly alone.")
    if songs.decides(songs.planted):
        said.append("A planted answer was noticed, so the check is awake.")
    return " ".join(said)


def chance_words(chance: Ranking) -> str:
    if not chance.told:
        return "Whether a shuffled label scores at chance cannot be told: too few customers."
    judged = "above chance" if chance.above_chance else "at chance, as it must"
    return f"A shuffled label scores {judged} (AUC {chance.auc:.3f} ± {chance.error:.3f})."


def table(songs: Songs, kind: Kind) -> Table:
    """The most telling features, and every one with a warning."""
    shown = [
        f
        for place, f in enumerate(songs.features)
        if place < SHOWN or songs.decides(f) or f.overlap <= APART
    ]
    columns = {
        "feature": [f.name for f in shown],
        "AUC alone": [known(f.auc) for f in shown],
        "AUC of its best class": [known(f.best_class_auc) for f in shown],
        "share of the model's lead": [known(songs.share(f)) for f in shown],
        "values in common over time": [known(f.overlap) for f in shown],
    }
    if kind == "binary":  # the best of two classes is the one that is asked for
        del columns["AUC of its best class"]
    return Table(columns=tuple(columns), rows=list(zip(*columns.values(), strict=True)))


def metrics(songs: Songs) -> dict[str, float]:
    """What can be compared between runs; what could not be measured is left out."""
    found = {
        "shuffled_auc": songs.chance.auc,
        "shuffled_auc_error": songs.chance.error,
        "model_auc": songs.model.auc,
        "deciding_features": float(sum(songs.decides(f) for f in songs.features)),
        "features_that_tell_time": float(sum(f.overlap <= APART for f in songs.features)),
        "planted_noticed": float(songs.decides(songs.planted)),
    }
    if songs.features:
        found["best_alone_auc"] = max(songs.features[0].auc, songs.features[0].best_class_auc)
    return measured(found)


def figure(songs: Songs) -> Figure:
    """Each of the most telling features beside the model and the line of suspicion."""
    top = songs.features[:SHOWN][::-1]
    drawn, ax = axes("Each feature by itself", "AUC out of fold", "", left=0.42)
    colours = ["tab:red" if songs.decides(f) else "tab:blue" for f in top]
    ax.barh(range(len(top)), [np.nan_to_num(f.auc - 0.5) for f in top], left=0.5, color=colours)
    named_bars(ax, [f.name for f in top], size=7)
    if np.isfinite(songs.model.auc):
        ax.axvline(songs.model.auc, color="black", label="the model")
    ax.axvline(DECIDES, color="tab:red", ls=":", label="nearly decides")
    ax.axvline(0.5, color="grey", lw=0.8)
    ax.legend(fontsize=8, loc="lower right")  # where the bars are short
    return drawn
