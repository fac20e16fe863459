"""The steps of a rollout that a person takes: into the shadow, before a share, stop."""

from __future__ import annotations

from lifecycle import integrity, repeats
from lifecycle.errors import NotReady, Refused, UsageError
from lifecycle.home import Home
from lifecycle.ledger import MOVES, Ledger
from lifecycle.registry import Registry, Version
from lifecycle.rollouts import STOP, Because, Rollout, Rollouts, Stage
from serving.rollout.guardrails import GUARDRAILS
from serving.rollout.report import RolloutReport, report
from serving.rollout.share import MOST

AGAINST = ("refuse", "reject")  # decisions that keep a version from customers
JUDGED = (*MOVES, *AGAINST)


def begin(
    home: Home,
    task: str,
    *,
    share: float = 0.0,
    version: int | None = None,
    actor: str,
    because: str = "",
) -> RolloutReport:
    """Let a version answer beside the champion: unseen (share 0), or a share of the customers.

    Args:
        home: where everything lives.
        task: its name.
        share: percent of the customers whom the version answers.
        version: its number; None: that of the open rollout, else `challenger`, else the newest.
        actor: who is recorded in the ledger.
        because: why.

    Raises:
        UsageError: the share is out of bounds, or the version is the champion itself.
        NotReady: there is no champion, or no version to hold against it.
        Refused: a gate or a person has said no to the version, and customers would meet it.
        DataError: it does not load, or does not repeat its recorded predictions.
        Busy: the task has a rollout of another version.
    """
    bounded(share)
    registry = Registry(home)
    champion = registry.champion(task)
    found = challenger(home, registry, champion, version)
    stage: Stage = "canary" if share else "shadow"
    if share:
        refuse_judged(home, found)
    integrity.require(found.digest, found.name)
    repeats.load(registry, found)
    wanted = Rollout(
        task=task, stage=stage, champion=champion.number, challenger=found.number, share=share
    )
    rules = [rule.words for rule in GUARDRAILS] if share else []
    why = because or wanted.words
    _, row = Rollouts(home).take(
        wanted, Because(actor=actor, why=why, evidence={"guardrails": rules})
    )
    return report(home, task, row=row)


def stop(home: Home, task: str, *, actor: str, because: str = "") -> RolloutReport:
    """End the task's rollout; everybody is answered by the champion again.

    Raises:
        NotReady: none is open.
    """
    rollouts = Rollouts(home)
    found = rollouts.open(task)
    if found is None:
        raise NotReady(
            f"{task} has no rollout.", found="None is open.", do=f"See `onramp history {task}`."
        )
    why = Because(actor=actor, why=because or f"stopped: {found.words}")
    row = rollouts.end(found, STOP, why)
    return report(home, task, row=row, of=found)


def bounded(share: float) -> None:
    """Raise UsageError for a share that leaves one of the sides nobody."""
    if not 0.0 <= share <= MOST:
        raise UsageError(
            f"{share:g} % of the customers is no canary.",
            found=f"Up to {MOST:g} % can be: the others are what it is compared with.",
            do="Say less, or promote the version.",
        )


def challenger(home: Home, registry: Registry, champion: Version, number: int | None) -> Version:
    """The version to hold against the champion.

    Raises:
        UnknownName: there is none of that number.
        UsageError: it is the champion.
        NotReady: none was named and there is none newer than the champion.
    """
    task = champion.task
    running = Rollouts(home).open(task)
    if number is None and running and running.champion == champion.number:
        number = running.challenger
    if number is not None:
        found = registry.version(task, number)
        if found.number == champion.number:
            raise UsageError(
                f"{found.name} is the champion.", found="It answers everybody already.",
                do="Name another with --version.",
            )  # fmt: skip
        return found
    versions = registry.versions(task)
    newer = [v for v in versions if v.number > champion.number]
    named = [v for v in versions if "challenger" in v.aliases and v.number != champion.number]
    if not (named or newer):
        raise NotReady(
            f"No version of {task} to hold against the champion.",
            found=f"Version {champion.number} is the newest.",
            do=f"Run `onramp train {task}`, or name one with --version.",
        )
    return (named or newer)[0]


def refuse_judged(home: Home, version: Version) -> None:
    """Customers meet no version that was decided against; its shadow is nobody's answer.

    Raises:
        Refused: the newest decision about it was a no.
    """
    row = Ledger(home).last(version.task, JUDGED).get(str(version.number))
    if row is not None and row.decision in AGAINST:
        raise Refused(
            f"{version.name} is not put before customers.",
            found=f"Ledger row {row.number}: {row.decision} by {row.actor}.",
            do=f"See `onramp history {version.task} --why`; --shadow may run it unseen.",
        )
