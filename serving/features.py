"""Whether today's features are those that a version learned: by name and by definition."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lifecycle.errors import NotReady
from lifecycle.scorer import names
from lifecycle.version_files import redefined
from serving.champion import Champion


def refuse_changed(champion: Champion, today: Mapping[str, str]) -> None:
    """A feature of another definition has another meaning under the name that was learned.

    A version of before definitions were kept is let through: nothing can be said of it.

    Raises:
        NotReady: a feature that the version was trained on is defined otherwise today.
    """
    if other := redefined(champion.definitions, today):
        raise NotReady(
            f"Version {champion.version} of {champion.task} learned other features than today's.",
            found=f"Defined otherwise since: {', '.join(other)}.",
            do=f"Train again: `onramp train {champion.task}`, `onramp promote {champion.task}`.",
        )


def refuse_missing(champion: Champion, known: Collection[str]) -> None:
    """The version can be asked only with every feature that it was trained on.

    Raises:
        NotReady: one is not computed.
    """
    if missing := sorted(set(names(champion.scorer)) - set(known)):
        raise NotReady(
            f"The feature store lacks features of version {champion.version} of {champion.task}.",
            found=f"Missing: {', '.join(missing)}.",
            do="Run `onramp features`, or promote a version of today's features.",
        )
