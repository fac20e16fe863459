"""What MLflow's page of a registered model says: the question, and how its versions are moved."""

from __future__ import annotations

from lifecycle.registry import Registry
from lifecycle.task import Task
from training.promotion.card.markdown import escaped

ALIASES = """\
| alias | the version that |
|---|---|
| `champion` | answers |
| `challenger` | was trained last and has not been promoted |
| `previous` | answered before; a rollback goes there |"""

MOVES = """\
- Promote: `onramp promote {name}` puts the newest version through the gate, on rows that neither \
it nor the champion has seen.
- Go back: `onramp rollback {name}` makes the previous version the champion.
- Ask why: `onramp history {name} --why`.
- Compare: `onramp compare {name} 7 9`."""
BY_HAND = "Move aliases with these and not by hand: they are what is judged and recorded."


def describe_model(registry: Registry, task: Task) -> None:
    """Write the task's description and tags, where they are not what they should be."""
    registry.describe_model(task.name, description(task), tags(task))


def description(task: Task) -> str:
    """In Markdown."""
    days = ", ".join(str(day) for day in task.moments)
    asked = (
        f"Asked of new customers {days} days after sign-up; looks {task.horizon_days} days ahead. "
        "Each version's description is its model card in short; the whole card is `card.html` "
        "among the artifacts of its run."
    )
    return "\n\n".join(
        [f"**{escaped(task.asked)}**", asked, ALIASES, MOVES.format(name=task.name), BY_HAND]
    )


def tags(task: Task) -> dict[str, str]:
    """What the list of models shows."""
    return {
        "made_by": "onramp",
        "question": task.asked,
        "kind": task.kind,
        "optimised_for": task.metric,
        "moments": ", ".join(str(day) for day in task.moments),
        "horizon_days": str(task.horizon_days),
    }
