"""The model card of one version: a page in HTML, the same in Markdown, a few lines of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.promotion.card.markdown import document, escaped, lines, table
from training.promotion.card.told import BASELINE, ends, sections, verdict_words
from training.promotion.card.values import Recorded
from training.promotion.side_by_side.words import day
from training.report.page import page
from training.report.section import Cell, Section, Table

ELSEWHERE = (
    "From and to are 95 % intervals by customer. Slices, calibration, features, limits: "
    "`card.html` among the artifacts of the run."
)
FOREMOST = ("roc_auc", "pr_auc", "log_loss", "ece", "accuracy", "macro_f1")


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card, laid out three ways; everything in it is escaped for the way it is laid out."""

    title: str
    facts: Mapping[str, Cell]
    sections: tuple[Section, ...]
    brief: str

    def html(self) -> str:
        """One page that any browser opens: no script, no network, no other file."""
        return page(self.title, self.facts, self.sections)

    def markdown(self) -> str:
        """The whole card; its picture is a table here."""
        return document(self.title, self.facts, self.sections)

    def short(self) -> str:
        """For the version's description in MLflow."""
        return self.brief


def card(found: Recorded) -> Card:
    """The card of what was recorded."""
    side = found.side
    return Card(
        title=f"Model card: {found.task} version {side.number}",
        facts={
            "Question": found.question,
            "Model": made(found),
            "Verdict": verdict_words(found),
            "Trained as of": day(side.as_of),
            "Rows": ", ".join(f"{k.replace('_', ' ')} {n:,}" for k, n in side.rows.items() if n),
            "Run": side.run_id,
            "Data fingerprint": side.data_fingerprint or None,
        },
        sections=sections(found),
        brief=brief(found),
    )


def made(found: Recorded) -> str:
    """`lightgbm, refitted, balancing none, calibration isotonic`."""
    facts = found.facts
    how = f", {facts['how']}" if facts.get("how") else ""
    return (
        f"{facts['algorithm']}{how}, balancing {facts['balancing']['method']}, "
        f"calibration {facts['calibrator']['method']}"
    )


def brief(found: Recorded) -> str:
    """The question, how it was made, the verdict, what to look at, the foremost metrics."""
    side, other = found.side, found.baselines.get(BASELINE, {})
    rows: list[tuple[Cell, ...]] = [
        (name, side.metrics[name], *ends(found.measured.metrics.get(name)), other.get(name))
        for name in FOREMOST
        if name in side.metrics
    ]
    trained = (
        f"{made(found)}. Trained as of {day(side.as_of)} on {side.rows.get('train', 0):,} rows, "
        f"judged on {side.rows.get('test', 0):,} later rows of customers it never saw."
    )
    columns = ("metric", "this model", "from", "to", BASELINE.replace("_", " "))
    parts = [
        f"**{escaped(found.question)}**",
        lines(trained),
        f"**Verdict:** {escaped(verdict_words(found))}",
        f"**Look at:** {escaped(side.warnings)}" if side.warnings else "",
        table(Table(columns=columns, rows=rows)),
        ELSEWHERE,
    ]
    return "\n\n".join(part for part in parts if part)
