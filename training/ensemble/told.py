"""The final choice, for people: what was compared out of fold, and what was made."""

from __future__ import annotations

from training.ensemble.choose import Final
from training.report.section import Cell, Section, Table


def choice_section(metric: str, final: Final) -> Section:
    """What was made of the search's best candidates, and on what evidence."""
    recipe = final.recipe
    options: list[tuple[Cell, ...]] = [
        (one.name, one.value, "yes" if one.chosen else "", one.note) for one in final.options
    ]
    members: list[tuple[Cell, ...]] = [
        (
            one.candidate.algorithm, one.candidate.balance.method, one.weight, len(one.fits),
            max(fit.rounds for fit in one.fits),
            ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                      for name, value in one.candidate.params.items()),
        )
        for one in recipe.members
    ]  # fmt: skip
    return Section(
        name="choice",
        title="What was made",
        words=f"Made: {recipe.how}. Options were compared by their log-loss out of fold, scaled by "
        "what was fitted on other entities. Of each library one stands, without balancing unless "
        "that is clearly worse, and both are averaged as log-odds unless one alone is clearly "
        "better.",
        tables={
            "options": Table(columns=("option", metric, "chosen", "note"), rows=options),
            "members": Table(
                columns=("booster", "balancing", "weight", "boosters", "rounds", "parameters"),
                rows=members,
            ),
        },
        metrics={
            "boosters": float(sum(len(one.fits) for one in recipe.members)),
            "members": float(len(recipe.members)),
        },
    )
