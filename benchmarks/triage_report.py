"""Writes `benchmarks/triage.md` and its picture from the lines of `benchmarks/triage.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.triage_picture import draw
from benchmarks.triage_year import BUG, CONCEPT, POLICIES, reachable
from lifecycle.whole import write_whole
from monitoring.triage import RULES

Line = dict[str, Any]

NAMES = {rule.name: rule.names for rule in RULES}
ACTS = ("retrain", "roll back")
MOST_FALSE, NAMED_RIGHTLY, MOST_RETRAINS = 1, 0.95, 3
CEILING = "weekly"
WINDOWS, RUNS = 200, 100  # fewer say too little

HOW = """\
## How it was measured

- Customers with eight inputs, one moment each; three in ten leave. A logistic regression answers
  them. Prediction logs and labels are arrays; windows are cut, columns judged, answers measured and
  verdicts reached by the functions that `onramp monitor` itself calls (`monitoring.gather`,
  `monitoring.quality`, `monitoring.triage`), with the task's default `Monitor()`. Labels come four
  weeks late.
- **False alarms**: quiet weeks of 1,000 customers, 25 to a model.
- **Power**: at a week's start something is planted. *Covariate shift*: an input that matters moves
  by half a standard deviation, another that does not with it. *Prior shift*: 45 in a hundred leave,
  of the same kinds. *Concept drift*: what two inputs mean changes, inputs stay. *Broken pipe*: in
  turn a column missing, a hundred times too large, of one value, in other words. Rightly named
  means that the rule which decides one of the first two windows that can show it names it, and that
  none names anything else; prior shift and concept drift show in labels, so their windows are
  looked at when those have come.
- **The year**: 1,500 customers a week; visits and sources swing with the season, which harms
  nothing; a unit bug in week 15; other people from week 22 on, without harm; in week {concept} what
  inputs mean changes. Every policy starts with one model and may learn from the newest half year of
  labelled weeks. *Any column drifted* asks each column at 5 %; it, *monthly* and *weekly* learn
  from all of it and serve what comes out, as public projects do. *Weekly, window chosen* learns
  every week as an Onramp retrain does, without a gate. *Onramp* retrains when triage says so, and
  once more when twice as much has come as such a retrain learned from (`lifecycle.triggers`); its
  calendar is set to `never`, for the weekly default would have the gate judge a challenger every
  week beside. Its retrain holds back what its gate needs, chooses its window (`training.newest`),
  and the shipped churn gate judges; weeks that triage called broken are not learned from.
- The mean ROC-AUC is of each week's answers as they were given, against what came of them.
"""


def write(
    lines: Sequence[Line], folder: Path, best: Callable[[int], Sequence[float]] = reachable
) -> None:
    """Write both files; what was not measured is said to be missing.

    Args:
        lines: of `benchmarks/triage.py`.
        folder: where the files go.
        best: seed → ROC-AUC of the truth itself by week.
    """
    years = [line for line in lines if line["what"] == "year"]
    text = "\n".join(
        [
            "# Triage: does it cry wolf, does it see the wolf, what does a year cost",
            "",
            "`python -m benchmarks.triage` writes this file.",
            "",
            "## Reached",
            "",
            *targets(lines),
            "",
            "## False alarms",
            "",
            *false_alarms(lines),
            "",
            "## Power, and time to detection",
            "",
            *powers(lines),
            "",
            "## A year",
            "",
            *year_table(years, best),
            "",
            "![ROC-AUC by week under each policy, and its retrains](triage.svg)",
            "",
            *verdict_table(years),
            "",
            *estimates(years),
            "",
            HOW.format(concept=CONCEPT),
        ]
    )
    write_whole(folder / "triage.md", text)
    if years:
        draw(years, folder / "triage.svg")


def quiet_verdicts(lines: Sequence[Line]) -> list[tuple[str, str]]:
    return [tuple(one) for line in lines if line["what"] == "quiet" for one in line["verdicts"]]


def false_alarms(lines: Sequence[Line]) -> Iterator[str]:
    """How often each verdict was reached where nothing happened."""
    found = quiet_verdicts(lines)
    if not found:
        yield "Not measured."
        return
    yield f"| verdict in {len(found)} quiet windows | by rule | windows |"
    yield "|---|---|---|"
    for one in sorted(set(found), key=lambda pair: (-found.count(pair), pair)):
        yield f"| *{one[1]}* | {one[0]} | {found.count(one)} |"


def rightly(line: Line) -> int:
    """In which of the two windows it was named, and nothing else in either; 0: not so."""
    told = [NAMES[rule] for rule, _ in line["verdicts"]]
    if set(told) - {"", line["plant"]}:
        return 0
    return next((place for place, name in enumerate(told, 1) if name == line["plant"]), 0)


def of_plant(lines: Sequence[Line], plant: str) -> list[Line]:
    return [line for line in lines if line["what"] == "power" and line["plant"] == plant]


def plants(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(line["plant"] for line in lines if line["what"] == "power"))


def powers(lines: Sequence[Line]) -> Iterator[str]:
    """Shares named rightly, when, and what was said instead."""
    if not plants(lines):
        yield "Not measured."
        return
    yield "| planted | runs | rightly named within two windows | in the first | otherwise |"
    yield "|---|---|---|---|---|"
    for plant in plants(lines):
        runs = of_plant(lines, plant)
        when = [rightly(line) for line in runs]
        other = [line["verdicts"] for line, place in zip(runs, when, strict=True) if not place]
        said = sorted({", then ".join(rule for rule, _ in verdicts) for verdicts in other})
        yield (
            f"| {plant} | {len(runs)} | {sum(map(bool, when))} | {when.count(1)} "
            f"| {'; '.join(said) or '–'} |"
        )


def retrains(line: Line) -> list[int]:
    return [week for week, _ in line["retrains"]]


def auc(line: Line, since: int = 0, until: int | None = None) -> float:
    return float(np.mean(line["auc"][since:until]))


def by_policy(years: Sequence[Line]) -> dict[str, list[Line]]:
    found = {name: [one for one in years if one["policy"] == name] for name in POLICIES}
    return {name: some for name, some in found.items() if some}


def year_table(years: Sequence[Line], best: Callable[[int], Sequence[float]]) -> Iterator[str]:
    """Each policy's retrains and what its answers were worth."""
    if not years:
        yield "Not measured."
        return
    yield (
        "| policy | retrains a year | before any harm | mean ROC-AUC | before the change | after "
        "| refused |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, lines in by_policy(years).items():
        early = [sum(week <= CONCEPT for week in retrains(line)) for line in lines]
        refused = [sum("refused" in state for _, state in line["retrains"]) for line in lines]
        yield (
            f"| {name} | {np.mean([len(line['retrains']) for line in lines]):.1f} "
            f"| {np.mean(early):.1f} | {np.mean([auc(line) for line in lines]):.4f} "
            f"| {np.mean([auc(line, 0, CONCEPT) for line in lines]):.4f} "
            f"| {np.mean([auc(line, CONCEPT) for line in lines]):.4f} | {np.mean(refused):.1f} |"
        )
    truth = np.mean([best(50_000 + seed) for seed in {line["seed"] for line in years}])
    yield f"| *the truth itself* | | | {truth:.4f} | | | |"
    yield ""
    counts = {name: len(lines) for name, lines in by_policy(years).items()}
    yield f"Years measured: {', '.join(f'{name} {count}' for name, count in counts.items())}."


def verdict_table(years: Sequence[Line]) -> Iterator[str]:
    """What Onramp said in the first of its years, where it said anything."""
    own = [line for line in years if line["policy"] == "Onramp"]
    if not own:
        return
    told = dict(own[0]["retrains"])
    yield "What Onramp said in the first year, but for *ignore*, and its retrains:"
    yield ""
    yield "| week | verdict | rule | the retrain |"
    yield "|---|---|---|---|"
    for week, rule, outcome in own[0]["verdicts"]:
        if outcome != "ignore" or week in told:
            yield f"| {week} | *{outcome}* | {rule} | {told.get(week, '')} |"


def estimates(years: Sequence[Line]) -> Iterator[str]:
    """How far the estimate before labels was off, where nothing had changed and where it had."""
    off = [
        (week, abs(value - came))
        for line in years
        for week, (value, came) in enumerate(
            zip(line.get("estimates", ()), line["auc"], strict=False)
        )
        if value is not None and line["policy"] == "Onramp"
    ]
    answered = [week for line in years if line["policy"] == "Onramp" for week in retrains(line)[:1]]
    until = min(answered, default=0)
    calm = [gap for week, gap in off if week < CONCEPT and week != BUG]
    blind = [gap for week, gap in off if CONCEPT <= week < until]
    if calm and blind:
        yield (
            f"The ROC-AUC estimated before labels was off by {np.mean(calm):.3f} on average until "
            f"the relation changed, the season and other people included, and by "
            f"{np.mean(blind):.3f} from then to the first retrain: it assumes the relation to hold."
        )


def reached(yes: bool, words: str, *, whole: bool = True) -> str:
    if not whole:
        return f"- **Measured on too few to say**: {words}"
    return f"- {'Reached' if yes else '**Not reached**'}: {words}"


def targets(lines: Sequence[Line]) -> Iterator[str]:
    """Each aim, whether it was reached, and the number."""
    quiet = quiet_verdicts(lines)
    if quiet:
        false = sum(outcome in ACTS for _, outcome in quiet)
        yield reached(
            false <= MOST_FALSE,
            f"at most {MOST_FALSE} false retrain in 200 quiet windows: {false} in {len(quiet)}.",
            whole=len(quiet) >= WINDOWS,
        )
    for plant in plants(lines):
        runs = of_plant(lines, plant)
        share = sum(bool(rightly(line)) for line in runs) / len(runs)
        yield reached(
            share >= NAMED_RIGHTLY,
            f"{plant} named rightly within two windows in {NAMED_RIGHTLY:.0%} of runs: "
            f"{share:.0%} of {len(runs)}.",
            whole=len(runs) >= RUNS,
        )
    policies = by_policy([line for line in lines if line["what"] == "year"])
    if {"Onramp", CEILING} <= policies.keys():
        yield from year_targets(policies)


def year_targets(policies: dict[str, list[Line]]) -> Iterator[str]:
    own = policies["Onramp"]
    early = sum(week <= CONCEPT for line in own for week in retrains(line))
    yield reached(not early, f"no retrain before any harm: {early} in {len(own)} years.")
    most = max(len(line["retrains"]) for line in own)
    yield reached(most <= MOST_RETRAINS, f"at most {MOST_RETRAINS} retrains in a year: {most}.")
    ours = {line["seed"]: auc(line) for line in own}
    for name in (CEILING, "weekly, window chosen"):
        theirs = {
            line["seed"]: auc(line) for line in policies.get(name, ()) if line["seed"] in ours
        }
        if theirs:
            one, other = np.mean([ours[seed] for seed in theirs]), np.mean([*theirs.values()])
            yield reached(
                bool(one >= other),
                f"mean ROC-AUC at least that of *{name}*: {one:.4f} against {other:.4f}, "
                f"in the same {len(theirs)} years.",
            )
