"""Whether the registry's aliases name versions that are there, and whom the ledger knows of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lifecycle.home import Home
from lifecycle.moves import Moves
from lifecycle.registry import Registry
from training.promotion.doctor.finding import Ailment, Finding
from training.promotion.move import settle_alone
from training.promotion.standing import champion_row


def check_move(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:
    """A change of champion that a killed process began. Under the task's lock none is alive."""
    begun = Moves(home).open(task)
    if begun is not None:
        yield Ailment(
            finding=Finding(
                check="interrupted move",
                task=task,
                version=begun.version,
                what=f"A change of the champion of {task} to version {begun.version} was begun "
                "and not ended.",
                found=f"{begun.entry.decision} by {begun.entry.actor}; its process was killed.",
                do="Any of `onramp promote`, `rollback`, `status` settles it, too.",
                mend="finish it where the champion had moved, undo it where not",
            ),
            cure=partial(settle_alone, home, registry, task),
        )


def check_aliases(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:
    """Aliases that name nothing, and two that exclude each other."""
    if Moves(home).open(task) is not None:
        return  # settling it moves them
    aliases = registry.aliases(task)
    there = {version.number for version in registry.versions(task)}
    for alias in ("champion", "previous", "challenger"):
        number = aliases.get(alias)
        if number is not None and number not in there:
            # without its champion a task would look like one that never had any
            kept = alias == "champion"
            yield Ailment(
                finding=Finding(
                    check="alias to nothing",
                    task=task,
                    version=number,
                    what=f"The alias {alias} of {task} names version {number}, which is not there.",
                    found=f"Versions there: {', '.join(map(str, sorted(there))) or 'none'}.",
                    do=instead(task)
                    if kept
                    else f"Take the alias {alias} of {task} away on MLflow's page.",
                    mend=""
                    if kept
                    else f"take the alias {alias} away; the ledger still tells whose it was",
                ),
                cure=None if kept else partial(registry.drop, alias, task),
            )
    champion = aliases.get("champion")
    if champion in there and aliases.get("challenger") == champion:
        yield Ailment(
            finding=Finding(
                check="challenger is champion",
                task=task,
                version=champion,
                what=f"Version {champion} of {task} is champion and challenger at once.",
                found="Nothing is left to challenge it with.",
                do=f"Take the alias challenger of {task} away on MLflow's page.",
                mend="take the alias challenger away",
            ),
            cure=partial(registry.drop, "challenger", task),
        )
    if champion in there and aliases.get("previous") == champion:
        yield Ailment(
            finding=Finding(
                check="previous is champion",
                task=task,
                version=champion,
                what=f"Version {champion} of {task} is champion and previous at once.",
                found="A rollback would lead to where it started.",
                do=f"Until the next promotion sets it right, roll back by number: `onramp rollback "
                f"{task} --to N`; `onramp history {task}` tells who was champion before.",
            )
        )


def check_ledger(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:
    """The ledger's last champion against the registry's. Which of them is right is not guessed."""
    if Moves(home).open(task) is not None:
        return  # it says itself what is missing
    told, champion = champion_row(home, task), registry.aliases(task).get("champion")
    number = int(told.version) if told and told.version else None
    if number == champion:
        return
    there = {version.number for version in registry.versions(task)}
    has = f"version {champion} has the alias" if champion else "no version has the alias"
    says = (
        f"row {told.number} of the ledger made version {number} champion ({told.at}, {told.actor})"
        if told
        else "no row of the ledger made any version champion"
    )
    yield Ailment(
        finding=Finding(
            check="ledger and registry",
            task=task,
            version=champion,
            what=f"The ledger and the registry disagree about who is champion of {task}.",
            found=f"In MLflow {has}; {says}.",
            do=advice(
                task,
                number if number in there else None,
                champion if champion in there else None,
            ),
        )
    )


def advice(task: str, told: int | None, champion: int | None) -> str:
    """How both are made to agree, in the gate's own ways; None where a version is not there.

    Not by a promotion: without a champion to hold a version against, the gate cannot judge.
    """
    if champion is None:
        return f"Run `onramp rollback {task} --to {told}`." if told else instead(task)
    if told is None:
        return (
            f"See `onramp history {task} --why`; the next promotion or rollback of {task} is "
            "written down and ends it."
        )
    return (
        f"Run `onramp rollback {task} --to {told}`; if {champion} should serve, put it through the "
        f"gate then: `onramp promote {task} --version {champion}`."
    )


def instead(task: str) -> str:
    """What to do about a champion that is not there."""
    return (
        f"Restore the version from a backup of MLflow, or run `onramp rollback {task}` (`--to N`: "
        f"to a version that you name) and `onramp promote {task}` then."
    )
