"""What to do about a window: one verdict by rules over frozen evidence.

Rules are data, in order of precedence. The first that applies gives the verdict, and every
other one that applies is kept beside it, so that a person sees what else was going on. Nothing
here reads a store or a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from monitoring.drift import ColumnDrift
from monitoring.performance import Performance
from monitoring.quality import Breach
from monitoring.windows import Span

Outcome = Literal["ignore", "watch", "broken data", "retrain", "roll back", "insufficient data"]

# Checks whose alarm means that the data is broken: what columns hold, and how events came.
VALUES = ("missing", "one value", "unit", "bounds", "new categories")
ARRIVALS = ("late events", "duplicates")

NAMED = 5  # columns that a sentence names before it counts the rest


@dataclass(frozen=True, kw_only=True)
class Champion:
    """Who serves, and since when.

    Attributes:
        first_moment: the oldest moment it answered; None when it answered none.
        previous: the version before it, which could serve again.
        previous_gain: interval of the previous version's gain in the watched metric on the same
            ripened rows, in the metric's better direction; None where it was not measured.
    """

    version: int
    first_moment: datetime | None = None
    previous: int | None = None
    previous_gain: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a verdict may rest on.

    Attributes:
        span: the current window.
        rows: moments answered in it.
        due: moments that fell due in it.
        least_rows: fewer rows carry no verdict.
        broken: what is wrong with the data itself.
        drift: comparison of every column with the reference.
        performance: ripened windows, newest first, end to end.
        windows_to_act: decay in so many of them, the newest among them, is decay.
        retrained: when a retrain of this task was last judged, on the data's clock …
        cooled_down: … and whether that is long enough ago for another.
    """

    task: str
    span: Span
    rows: int
    due: int
    least_rows: int
    champion: Champion
    broken: tuple[Breach, ...] = ()
    drift: tuple[ColumnDrift, ...] = ()
    performance: tuple[Performance, ...] = ()
    windows_to_act: int = 2
    retrained: datetime | None = None
    cooled_down: bool = True

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        return tuple(drift for drift in self.drift if drift.outcome == "drifted")

    @property
    def weighty(self) -> tuple[ColumnDrift, ...]:
        """What drifted and matters to the model."""
        return tuple(drift for drift in self.drifted if drift.weighs)

    @property
    def judged(self) -> tuple[Performance, ...]:
        """The ripened windows that could be judged."""
        return tuple(p for p in self.performance if p.outcome != "could not tell")

    @property
    def decayed(self) -> tuple[Performance, ...]:
        return tuple(p for p in self.judged if p.outcome == "decayed")

    @property
    def miscalibrated(self) -> tuple[Performance, ...]:
        return tuple(p for p in self.judged if p.calibration_outcome == "decayed")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A name, an outcome, and what makes it apply: the reason in words, or nothing."""

    name: str
    outcome: Outcome
    reason: Callable[[Evidence], str]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule that applied."""

    rule: str
    outcome: Outcome
    words: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    outcome: Outcome
    findings: tuple[Finding, ...] = field(default=())

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentence that decided first, then what else applied."""
        return tuple(finding.words for finding in self.findings)


def triage(evidence: Evidence) -> Verdict:
    """Apply every rule; the first that applies decides."""
    findings = tuple(
        Finding(rule=rule.name, outcome=rule.outcome, words=words)
        for rule in RULES
        if (words := rule.reason(evidence))
    )
    return Verdict(outcome=findings[0].outcome, findings=findings[:-1] or findings)


def breaches(evidence: Evidence, *checks: str) -> list[Breach]:
    return [breach for breach in evidence.broken if breach.check in checks]


def stale(evidence: Evidence) -> str:
    found = breaches(evidence, "freshness")
    return f"The source has gone quiet: {listed([b.words for b in found])}." if found else ""


def unscored(evidence: Evidence) -> str:
    found = breaches(evidence, "volume")
    if not found:
        return ""
    return f"Scoring fell behind: {found[0].words}. Run `onramp score {evidence.task}`."


def too_few(evidence: Evidence) -> str:
    if evidence.rows >= evidence.least_rows:
        return ""
    return (
        f"{evidence.rows} moments were answered in {evidence.span} "
        f"({evidence.due} were due); {evidence.least_rows} are needed to say anything."
    )


def impossible(evidence: Evidence) -> str:
    found = breaches(evidence, *VALUES, *ARRIVALS)
    return f"The data is broken: {listed([b.words for b in found])}." if found else ""


def acting(evidence: Evidence, against: tuple[Performance, ...]) -> bool:
    """Enough windows speak against the champion, and the newest that was judged is one."""
    newest = evidence.judged[:1]
    return len(against) >= evidence.windows_to_act and bool(newest) and newest[0] in against


def decay_words(evidence: Evidence) -> str:
    return (
        f"{len(evidence.decayed)} of the last {len(evidence.performance)} windows fell short of "
        f"what version {evidence.champion.version} was approved for: "
        f"{listed([p.words for p in evidence.decayed])}."
    )


def young(evidence: Evidence) -> bool:
    """The champion's whole life so far lies in the windows judged here, and none was fine."""
    first = evidence.champion.first_moment
    if first is None or not evidence.performance:
        return False
    began = min(p.span.start for p in evidence.performance)
    return first > began and len(evidence.decayed) == len(evidence.judged)


def bad_promotion(evidence: Evidence) -> str:
    champion = evidence.champion
    if not acting(evidence, evidence.decayed) or champion.previous is None or not young(evidence):
        return ""
    gain = champion.previous_gain
    if gain is not None and gain[0] <= 0:
        return ""
    measured = (
        f" Version {champion.previous} would have done better on the same rows by "
        f"{gain[0]:.3f} to {gain[1]:.3f}."
        if gain
        else f" Version {champion.previous} could not be measured on the same rows."
    )
    return f"It never did what it was promoted for. {decay_words(evidence)}{measured}"


def cooling(evidence: Evidence) -> str:
    against = acting(evidence, evidence.decayed) or acting(evidence, evidence.miscalibrated)
    if not against or evidence.cooled_down or evidence.retrained is None:
        return ""
    return (
        f"Decayed, but a retrain was judged at {evidence.retrained:%Y-%m-%d} and nothing has "
        "been learnt since: another waits for a new window."
    )


def decay(evidence: Evidence) -> str:
    return decay_words(evidence) if acting(evidence, evidence.decayed) else ""


def calibration_break(evidence: Evidence) -> str:
    if not acting(evidence, evidence.miscalibrated):
        return ""
    off = ", ".join(f"{p.calibration:+.2f}" for p in evidence.miscalibrated)
    return (
        f"Predictions are off on average by {off} in {len(evidence.miscalibrated)} of the last "
        f"{len(evidence.performance)} windows: probabilities no longer mean what they say."
    )


def drift_words(evidence: Evidence) -> str:
    drifted = evidence.weighty
    if not drifted:
        return ""
    harm = "no harm was seen" if evidence.judged else "no label has ripened to show harm"
    if evidence.decayed or evidence.miscalibrated:
        harm = "harm was seen"
    return (
        f"{len(drifted)} of {len(evidence.drift)} comparisons drifted and {harm}: "
        f"{listed([d.words for d in drifted])}.{lightly(evidence)}"
    )


def lightly(evidence: Evidence) -> str:
    """What drifted and weighs nothing, named all the same."""
    light = [drift.words for drift in evidence.drifted if not drift.weighs]
    return f" The model hardly uses what moved besides: {listed(light)}." if light else ""


def one_bad_window(evidence: Evidence) -> str:
    found = [*evidence.decayed, *(p for p in evidence.miscalibrated if p not in evidence.decayed)]
    if not found or acting(evidence, evidence.decayed):
        return ""
    return f"A window fell short, which alone triggers nothing: {listed([p.words for p in found])}."


def nothing(evidence: Evidence) -> str:
    checked = f"{evidence.rows} moments, {len(evidence.drift)} comparisons"
    labels = (
        evidence.judged[0].words if evidence.judged else "no window of ripened labels to judge yet"
    )
    drifted = "none that matters drifted" if evidence.drifted else "none drifted"
    return f"Nothing to do: {checked}, {drifted}; {labels}.{lightly(evidence)}"


def listed(words: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(words) - NAMED
    return "; ".join([*words[:NAMED], *([f"and {more} more"] if more > 0 else [])])


RULES: tuple[Rule, ...] = (
    Rule(name="source is quiet", outcome="broken data", reason=stale),
    Rule(name="not scored", outcome="broken data", reason=unscored),
    Rule(name="too few rows", outcome="insufficient data", reason=too_few),
    Rule(name="impossible values", outcome="broken data", reason=impossible),
    Rule(name="bad promotion", outcome="roll back", reason=bad_promotion),
    Rule(name="cooling down", outcome="watch", reason=cooling),
    Rule(name="decay", outcome="retrain", reason=decay),
    Rule(name="base rate", outcome="retrain", reason=calibration_break),
    Rule(name="one bad window", outcome="watch", reason=one_bad_window),
    Rule(name="drift", outcome="watch", reason=drift_words),
    Rule(name="nothing", outcome="ignore", reason=nothing),
)
