"""What acting on the probabilities brings, for whoever makes the offers: one report section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lifecycle.costs import Costs
from lifecycle.label import Inactive
from lifecycle.metrics import Labels
from lifecycle.task import Task
from training.calibration import Entities
from training.gains import Decile, Gains, Interval, Worth, deciles, gains_of, worth_of
from training.model import Matrix
from training.ranking import ranking_section
from training.report.curves import gains_figure, lift_figure, value_figure
from training.report.section import Cell, Section, Table

NAME, TITLE = "decisions", "Decisions and value"
THOUSAND = 1_000
TENTH, FIFTH = 0.1, 0.2
TWO_CLASSES = 2


@dataclass(frozen=True, kw_only=True)
class Context:
    """What else is known of the judged rows.

    Attributes:
        entities: whose each row is, for intervals; None: each row is its own.
        classes: what the columns of the probabilities mean.
        rivals: baseline → its probabilities of the same rows, shape (n, classes).
        seed: of the bootstrap.
    """

    entities: Entities | None = None
    classes: tuple[str, ...] = ()
    rivals: Mapping[str, Matrix] = field(default_factory=dict)
    seed: int = 0


ALONE = Context()


def decision_section(
    task: Task, labels: Labels, probabilities: Matrix, threshold: float, context: Context = ALONE
) -> Section:
    """Gains, lift and value of a yes; ranked classes where there are several.

    Args:
        task: its costs, if it has any, turn yeses into money.
        labels: of rows that nothing was chosen on, shape (n,); may be empty.
        probabilities: calibrated, shape (n, classes).
        threshold: from which the answer is yes, fixed before these rows were seen.
        context: what else is known of the rows.
    """
    if not len(labels):
        return Section(name=NAME, title=TITLE, words="No rows were held out to measure value on.")
    if task.kind != "binary":
        return ranking_section(
            labels, probabilities, context.classes, context.entities, context.rivals
        )
    if len(np.unique(labels)) < TWO_CLASSES:
        words = "The held-out rows are all of one class: there is nothing to rank."
        return Section(name=NAME, title=TITLE, words=words)
    return binary_section(task, labels, probabilities, threshold, context)


def binary_section(
    task: Task, labels: Labels, probabilities: Matrix, threshold: float, context: Context
) -> Section:
    gains = gains_of(labels, probabilities)
    at = Point.of(gains, gains.contacted(threshold))
    told = Told.of(task, len(labels), context.entities)
    rivals = {name: gains_of(labels, p) for name, p in context.rivals.items() if name != "prior"}
    tenths = deciles(gains, task.costs)
    plain = Section(
        name=NAME,
        title=TITLE,
        words=f"{acting(at, threshold, told)} {likeliest(gains, told)}",
        tables={"by tenth": decile_table(tenths, told, task.costs)},
        figures=(
            ("gains", gains_figure(gains, rivals, at.share, told.those)),
            ("lift", lift_figure(gains, [one.lift for one in tenths])),
        ),
        metrics=metrics_of(gains, at),
    )
    if task.costs is None:
        return replace(plain, words=f"{plain.words} State `costs` in the task to see money.")
    worth = worth_of(gains, task.costs, threshold, context.entities, context.seed)
    money = Money(gains=gains, costs=task.costs, worth=worth, at=at, threshold=threshold, told=told)
    return replace(
        plain,
        words=f"{money.words()} {likeliest(gains, told)}",
        tables={"decisions": money.table(), **plain.tables},
        figures=(*plain.figures, ("value", value_figure(gains, task.costs, at.share, worth))),
        metrics={**plain.metrics, **money.metrics()},
        warnings=money.warnings(),
    )


@dataclass(frozen=True, kw_only=True)
class Told:
    """What rows and yeses are called: `customers` or their `moments`, `leavers` or `yeses`."""

    rows: str
    those: str

    @classmethod
    def of(cls, task: Task, rows: int, entities: Entities | None) -> Told:
        alone = entities is None or len(pd.unique(np.asarray(entities))) == rows
        those = "leavers" if isinstance(task.label, Inactive) else "yeses"
        return cls(rows="customers" if alone else "moments", those=those)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One place on the curves.

    Attributes:
        place: rows contacted.
        share: of all rows.
        right: share of the contacted who are a yes; NaN where nobody is.
        reached: share of all yeses that are contacted.
    """

    place: int
    share: float
    right: float
    reached: float

    @classmethod
    def of(cls, gains: Gains, place: int) -> Point:
        reached = float(gains.gain[place])
        right = reached * gains.positives / place if place else float("nan")
        return cls(place=place, share=place / gains.rows, right=right, reached=reached)


def likeliest(gains: Gains, told: Told) -> str:
    first = Point.of(gains, place_of(gains, TENTH))
    return (
        f"The likeliest {first.share:.0%} of the {told.rows} hold {first.reached:.0%} of the "
        f"{told.those}, {first.reached / first.share:.1f} times as many as a draw by chance."
    )


def place_of(gains: Gains, share: float) -> int:
    """How many rows a share is, one at least."""
    return max(1, round(share * gains.rows))


def acting(at: Point, threshold: float, told: Told) -> str:
    """The threshold in words, without money."""
    if not at.place:
        return f"The answer is yes from {threshold:.3f} on, which none of the {told.rows} reaches."
    return (
        f"The answer is yes from {threshold:.3f} on: {at.share:.1%} of the {told.rows}, of whom "
        f"{at.right:.0%} are {told.those}, which is {at.reached:.0%} of all {told.those}."
    )


def decile_table(tenths: list[Decile], told: Told, costs: Costs | None) -> Table:
    """One row a tenth, the likeliest first."""
    columns = ["tenth", told.rows, told.those, "share", "said", "lift", "gain so far"]
    if costs is not None:
        columns.append(f"value {costs.currency}".strip())
    rows = []
    for place, one in enumerate(tenths, start=1):
        row: tuple[Cell, ...] = (
            place, one.rows, one.positives, one.share, one.said, one.lift, one.gain
        )  # fmt: skip
        rows.append(row if one.value is None else (*row, one.value))
    return Table(columns=tuple(columns), rows=rows)


def metrics_of(gains: Gains, at: Point) -> dict[str, float]:
    """Numbers worth comparing between runs."""
    tenth = Point.of(gains, place_of(gains, TENTH))
    found = {
        "contacted": at.share,
        "reached": at.reached,
        "lift_10": tenth.reached / tenth.share,
        "gain_10": tenth.reached,
        "gain_20": Point.of(gains, place_of(gains, FIFTH)).reached,
    }
    return found | ({"right": at.right} if at.place else {})


@dataclass(frozen=True, kw_only=True)
class Money:
    """What acting from the threshold on brings, as people read it: for 1,000 rows."""

    gains: Gains
    costs: Costs
    worth: Worth
    at: Point
    threshold: float
    told: Told

    @property
    def promised(self) -> float:
        """What the probabilities said that the threshold would bring, of one row."""
        return float(self.gains.promised(self.costs)[self.at.place])

    def thousand(self, amount: float) -> str:
        return self.costs.money(round(THOUSAND * amount))

    def words(self) -> str:
        worth, show, best = self.worth, self.thousand, self.worth.best_share
        return (
            f"Making the offer from a probability of {self.threshold:.3f} on reaches "
            f"{self.at.share:.1%} of the {self.told.rows} and brings {show(worth.chosen.value)} "
            f"for 1,000 of them (95 % interval {show(worth.chosen.low)} to "
            f"{show(worth.chosen.high)}; the probabilities promised {show(self.promised)}); making "
            f"it to all brings {show(worth.everybody.value)}, to nobody 0. With hindsight the best "
            f"share to contact was {best.value:.1%} ({best.low:.1%} to {best.high:.1%}), which "
            f"brings {show(worth.best.value)}."
        )

    def warnings(self) -> tuple[str, ...]:
        """Where the model earns less than no model at all, beyond chance."""
        if self.worth.over.high >= 0:
            return ()
        easier = "making the offer to all" if self.worth.everybody.value > 0 else "making no offer"
        lost = self.thousand(-self.worth.over.value)
        return (
            f"Acting on the model brings {lost} less for 1,000 {self.told.rows} than {easier}.",
        )

    def table(self) -> Table:
        """What each policy brings for 1,000 rows."""
        gains, worth = self.gains, self.worth
        best = Point.of(gains, round(worth.best_share.value * gains.rows))
        nothing = Interval(value=0.0, low=0.0, high=0.0)
        return Table(
            columns=("offer to", "contacted", "reached", "right",
                     f"value for 1,000 {self.costs.currency}".strip(), "low", "high", "promised"),
            rows=[
                self.row("nobody", Point.of(gains, 0), nothing),
                self.row("everybody", Point.of(gains, gains.rows), worth.everybody),
                self.row(f"from {self.threshold:.4g} on", self.at, worth.chosen),
                self.row("the best share, with hindsight", best, worth.best),
            ],
        )  # fmt: skip

    def row(self, name: str, point: Point, money: Interval) -> tuple[Cell, ...]:
        promised = float(self.gains.promised(self.costs)[point.place])
        amounts = (money.value, money.low, money.high, promised)
        shown = [round(THOUSAND * amount, 2) for amount in amounts]
        right = point.right if point.place else None
        return (name, point.share, point.reached, right, *shown)

    def metrics(self) -> dict[str, float]:
        worth = self.worth
        found = {
            "value": worth.chosen.value,
            "value_low": worth.chosen.low,
            "value_high": worth.chosen.high,
            "value_promised": self.promised,
            "value_of_all": worth.everybody.value,
            "value_best": worth.best.value,
        }
        thousands = {f"{name}_per_1000": THOUSAND * amount for name, amount in found.items()}
        return thousands | {"best_share": worth.best_share.value}
