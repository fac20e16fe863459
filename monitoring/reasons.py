"""The conditions of triage: each says in words why it applies, or nothing; each shows its numbers.

Pure functions of the evidence. Which outcome they lead to, and in which order, `triage.RULES` says.
"""

from __future__ import annotations

from collections.abc import Callable

from monitoring.evidence import RELEASED, Evidence, Past, loss_of
from monitoring.performance import MISCALIBRATED, Performance
from monitoring.quality import Breach

NAMED = 5  # columns that a sentence names before it counts the rest
# Checks whose alarm means that the data is broken: what columns hold, how events came, and
# whether what was answered on is what is known.
VALUES = ("missing", "one value", "unit", "bounds", "new categories")
ARRIVALS = ("late events", "duplicates")
SERVED = ("skew",)


def breaches(evidence: Evidence, *checks: str) -> list[Breach]:
    return [breach for breach in evidence.broken if breach.check in checks]


def listed(words: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(words) - NAMED
    return "; ".join([*words[:NAMED], *([f"and {more} more"] if more > 0 else [])])


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
    found = breaches(evidence, *VALUES, *ARRIVALS, *SERVED)
    return f"The data is broken: {listed([b.words for b in found])}." if found else ""


def acting(evidence: Evidence, against: tuple[Performance, ...]) -> bool:
    """Enough windows speak against the champion, and the newest that was judged is one."""
    newest = evidence.judged[:1]
    return len(against) >= evidence.windows_to_act and bool(newest) and newest[0] in against


def harmed(evidence: Evidence) -> bool:
    """Whether the model is held to have decayed, whatever is done about it."""
    return acting(evidence, evidence.decayed) or acting(evidence, evidence.miscalibrated)


def decay_words(evidence: Evidence) -> str:
    return (
        f"{len(evidence.decayed)} of the last {len(evidence.performance)} windows fell short of "
        f"what version {evidence.champion.approved} was approved for: "
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
    if not harmed(evidence) or evidence.cooled_down or evidence.retrained is None:
        return ""
    until = f" until {evidence.cooled_at:%Y-%m-%d}" if evidence.cooled_at else ""
    return (
        f"Decayed, but a retrain was judged at {evidence.retrained:%Y-%m-%d} and little has "
        f"been learnt since: another waits{until}."
    )


def spent(evidence: Evidence) -> str:
    if not harmed(evidence) or evidence.retrains_this_month < evidence.retrains_a_month:
        return ""
    return (
        f"Decayed, but monitoring has asked for {evidence.retrains_this_month} retrains in the "
        f"last 30 days and may for {evidence.retrains_a_month}: somebody should look why they "
        "did not help."
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


def not_recovered(evidence: Evidence) -> str:
    """The alarm stands and the newest window does not end it."""
    if not evidence.alarmed or harmed(evidence) or not evidence.judged or evidence.recovered:
        return ""
    return (
        "It decayed before and is not back: an alarm ends when a window falls short by no more "
        f"than {RELEASED * evidence.tolerated_loss:.3f} and its predictions are off by no more "
        f"than {RELEASED * MISCALIBRATED:.3f}. The newest is {evidence.judged[0].words}, off by "
        f"{evidence.judged[0].calibration_moved:+.3f}."
    )


def one_bad_window(evidence: Evidence) -> str:
    found = [*evidence.decayed, *(p for p in evidence.miscalibrated if p not in evidence.decayed)]
    if not found or harmed(evidence):
        return ""
    return f"A window fell short, which alone triggers nothing: {listed([p.words for p in found])}."


def expected_loss(evidence: Evidence) -> str:
    """A drop is expected, and inputs that the model leans on have moved: watched, no more."""
    found = evidence.estimated
    if found is None or not evidence.important or found.loss <= evidence.tolerated_loss:
        return ""
    return (
        f"{found.words}, {found.loss:.3f} below what was approved, and "
        f"{listed([one.words for one in evidence.important])}. Ripened labels will say whether it "
        "came so; an estimate alone retrains nothing."
    )


def drift_words(evidence: Evidence) -> str:
    moved = (*evidence.weighty, *evidence.lingering)
    if not moved:
        return ""
    harm = "no harm was seen" if evidence.judged else "no label has ripened to show harm"
    if evidence.decayed or evidence.miscalibrated:
        harm = "harm was seen"
    return (
        f"{len(moved)} of {len(evidence.drift)} comparisons drifted and {harm}: "
        f"{listed([d.words for d in moved])}.{lightly(evidence)}"
    )


def lightly(evidence: Evidence) -> str:
    """What drifted and weighs nothing, named all the same."""
    light = [drift.words for drift in evidence.drifted if not drift.weighs]
    return f" The model hardly uses what moved besides: {listed(light)}." if light else ""


def nothing(evidence: Evidence) -> str:
    checked = f"{evidence.rows} moments, {len(evidence.drift)} comparisons"
    labels = (
        evidence.judged[0].words if evidence.judged else "no window of ripened labels to judge yet"
    )
    drifted = "none that matters drifted" if evidence.drifted else "none drifted"
    return f"Nothing to do: {checked}, {drifted}; {labels}.{lightly(evidence)}"


def breach_numbers(*checks: str) -> Callable[[Evidence], str]:
    """Of the checks of data quality, those that were breached."""

    def numbers(evidence: Evidence) -> str:
        found = breaches(evidence, *checks)
        if not found:
            return f"no breach of {', '.join(checks)}"
        return listed([f"{b.check} {b.column} {b.value:.3g}, limit {b.limit:.3g}" for b in found])

    return numbers


def row_numbers(evidence: Evidence) -> str:
    return f"{evidence.rows} answered, {evidence.least_rows} needed"


def decay_numbers(evidence: Evidence) -> str:
    windows = listed([p.words for p in evidence.performance]) or "none has ripened"
    return (
        f"{len(evidence.decayed)} of {len(evidence.performance)} windows fell short by more than "
        f"{evidence.tolerated_loss:g}, {evidence.windows_to_act} needed with the newest judged one "
        f"among them ({windows})"
    )


def calibration_numbers(evidence: Evidence) -> str:
    gaps = ", ".join(f"{p.calibration:+.3f}" for p in evidence.judged) or "none judged"
    return (
        f"prediction less outcome, newest first: {gaps}; off in {len(evidence.miscalibrated)}, "
        f"{evidence.windows_to_act} needed with the newest among them"
    )


def promotion_numbers(evidence: Evidence) -> str:
    champion = evidence.champion
    first = f"{champion.first_moment:%Y-%m-%d}" if champion.first_moment else "never"
    gain = champion.previous_gain
    told = f"{gain[0]:+.3f} to {gain[1]:+.3f}" if gain else "not measured"
    return f"first answered {first}; gain of version {champion.previous} on the same rows: {told}"


def cooling_numbers(evidence: Evidence) -> str:
    if evidence.retrained is None:
        return "no retrain was judged yet"
    until = f", another from {evidence.cooled_at:%Y-%m-%d} on" if evidence.cooled_at else ""
    return f"last judged {evidence.retrained:%Y-%m-%d}{until}"


def budget_numbers(evidence: Evidence) -> str:
    return f"{evidence.retrains_this_month} of {evidence.retrains_a_month} in 30 days"


def recovery_numbers(evidence: Evidence) -> str:
    state = "an alarm stands" if evidence.alarmed else "no alarm stands"
    if not evidence.judged:
        return f"{state}; none judged"
    newest = evidence.judged[0]
    return (
        f"{state}; newest loss {loss_of(newest):+.3f}, ends at "
        f"{RELEASED * evidence.tolerated_loss:g} or less; predictions off by "
        f"{newest.calibration_moved:+.3f}, ends within {RELEASED * MISCALIBRATED:g}"
    )


def estimate_numbers(evidence: Evidence) -> str:
    found = evidence.estimated
    if found is None:
        return "no estimate: several classes, another metric, or too few rows"
    return (
        f"{found.words}, approved at {found.baseline:.3f}; {len(evidence.important)} of "
        f"{len(evidence.drifted)} drifted comparisons are of important inputs"
    )


def drift_numbers(evidence: Evidence) -> str:
    most = f", the largest: {evidence.drift[0].words}" if evidence.drift else ""
    return (
        f"{len(evidence.weighty)} of {len(evidence.drift)} drifted and matter, "
        f"{len(evidence.lingering)} not back yet, least effect {evidence.effect:g}{most}"
    )


def last_seen(history: tuple[Past, ...]) -> str:
    """Earlier verdicts in one line, newest first."""
    return listed([f"{past.as_of:%Y-%m-%d} {past.outcome}" for past in history])
