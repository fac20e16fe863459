"""What differs between two versions before either is measured: choices and features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifecycle.version_files import redefined
from training.promotion.side_by_side.recorded import Entrant
from training.promotion.side_by_side.values import Choice, FeatureChanges

# what a version's facts hold of how it was made; the rest is what it learned
FACTS = (
    "question", "horizon_days", "moments", "classes", "algorithm", "how", "rounds", "calibrated_on",
    "threshold", "seed",
)  # fmt: skip
RULE = "threshold_rule"
NESTED = ("params", "balancing", "calibrator")
RUN = (
    "algorithms", "metric", "smote.k_neighbors", "smote.ratio", "synthetic_rows", "features",
    "code_version", "python", "libraries", "pins",
)  # fmt: skip
TRIALS = "trials_"
MOST_NAMED = 8
DIGITS = 6


def choices(first: Entrant, second: Entrant) -> tuple[tuple[Choice, ...], int]:
    """What was chosen otherwise, and how many choices are the same."""
    one, other = chosen(first), chosen(second)
    names = list(dict.fromkeys([*one, *other]))
    found = [
        Choice(name=name, first=one.get(name, ""), second=other.get(name, "")) for name in names
    ]
    differing = tuple(choice for choice in found if choice.first != choice.second)
    return tuple(shortened(choice) for choice in differing), len(found) - len(differing)


def chosen(one: Entrant) -> dict[str, str]:
    """Everything that was chosen for a version, by name."""
    facts = one.facts
    found = {name: spoken(facts[name]) for name in FACTS if name in facts}
    if RULE in facts:  # what the calibration rows would have chosen is measured, and no choice
        found[RULE] = spoken(facts[RULE]).split(";")[0]
    for group in NESTED:
        found |= dict(flat(group, facts.get(group, {})))
    found |= {name: one.parameters[name] for name in RUN if name in one.parameters}
    return found | {n: v for n, v in one.parameters.items() if n.startswith(TRIALS)}


def flat(group: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`params.learning_rate` and the like; a fitted curve by its number of steps."""
    for name, value in values.items():
        if name == "curves":
            yield f"{group}.steps", ", ".join(str(len(curve["x"])) for curve in value)
        elif value is not None and value != {}:
            yield f"{group}.{name}", spoken(value)


def spoken(value: Any) -> str:
    """A value as text: numbers with the digits that matter, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(spoken, value))
    return str(value)


def shortened(choice: Choice) -> Choice:
    """Of a list of pinned libraries only those that differ."""
    if choice.name not in {"libraries", "pins"}:
        return choice
    one, other = choice.first.split(), choice.second.split()
    return Choice(
        name=choice.name,
        first=" ".join(pin for pin in one if pin not in other),
        second=" ".join(pin for pin in other if pin not in one),
    )


def feature_changes(first: Entrant, second: Entrant) -> FeatureChanges:
    """Features that came, went, changed their type, their definition or their categories."""
    was, now = dict(first.scorer.features), dict(second.scorer.features)
    both = [name for name in now if name in was]
    retyped = [name for name in both if was[name] != now[name]]
    definitions = [one.facts.get("definitions", {}) for one in (first, second)]
    other = [name for name in redefined(*definitions) if name in both]
    return FeatureChanges(
        added=tuple(name for name in now if name not in was),
        removed=tuple(name for name in was if name not in now),
        retyped=tuple(f"{name}: {was[name]}, {now[name]}" for name in retyped),
        redefined=tuple(other),
        categories=dict(categories(first, second)),
        same=len(both) - len({*retyped, *other}),
        unknown=tuple(
            one.number for one, told in zip((first, second), definitions, strict=True) if not told
        ),
    )


def categories(first: Entrant, second: Entrant) -> Iterator[tuple[str, str]]:
    """Feature → the values that only one of the versions knows."""
    was, now = first.scorer.encoder.categories, second.scorer.encoder.categories
    for name in [name for name in now if name in was]:
        told = [
            f"only {number}: {listed(only)}"
            for number, only in (
                (first.number, [v for v in was[name] if v not in now[name]]),
                (second.number, [v for v in now[name] if v not in was[name]]),
            )
            if only
        ]
        if told:
            yield name, "; ".join(told)


def listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
