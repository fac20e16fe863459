"""Whether each version's files are there and as they were registered, in MLflow and here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lifecycle import integrity
from lifecycle.errors import DataError
from lifecycle.home import Home
from lifecycle.registry import Registry, Version
from training.promotion.doctor.finding import Ailment, Finding

SERVED_FROM = ("champion", "previous", "challenger")


def check_files(home: Home, registry: Registry, task: str) -> Iterator[Ailment]:  # noqa: ARG001
    """Each version: MLflow's files by fetching them, the local copy where it is."""
    for version in registry.versions(task):
        yield from unproven(version)
        original, local = in_mlflow(registry, version), in_home(registry, version)
        if original:
            yield lost(registry, version, original, local)
        elif local:
            yield damaged(registry, version, local)


def unproven(version: Version) -> Iterator[Ailment]:
    """A version that somebody may serve and nobody can verify."""
    aliases = [alias for alias in SERVED_FROM if alias in version.aliases]
    if not version.digest and aliases:
        yield Ailment(
            finding=Finding(
                check="no fingerprint",
                task=version.task,
                version=version.number,
                what=f"{version.name} is {', '.join(aliases)} and its files cannot be verified.",
                found="It was registered before files were fingerprinted.",
                do=f"Run `onramp train {version.task}` and `onramp promote {version.task}`; until "
                "then a champion serves on, and no such version is promoted.",
            )
        )


def in_mlflow(registry: Registry, version: Version) -> str:
    """What is wrong with MLflow's own files; empty: they are as they were registered."""
    with TemporaryDirectory() as scratch:
        try:
            registry.fetch(version, Path(scratch) / "fetched")
        except DataError as error:
            return error.found
    return ""


def in_home(registry: Registry, version: Version) -> str | None:
    """What is wrong with the local copy; empty: nothing is. None: it says nothing.

    There is none, or nothing to hold it against.
    """
    folder = registry.place(version)
    if not folder.exists() or not version.digest:
        return None
    found = integrity.faults(folder, version.digest)
    return integrity.told(found) if found else ""


def damaged(registry: Registry, version: Version, local: str) -> Ailment:
    """The local copy alone is not sound."""
    return Ailment(
        finding=Finding(
            check="damaged copy",
            task=version.task,
            version=version.number,
            what=f"The local copy of version {version.number} of {version.task} is damaged.",
            found=f"{local}, in {registry.place(version)}.",
            do="Find out who writes there; then `onramp doctor --mend`.",
            mend="fetch the files again from MLflow, whose own are as they were registered",
        ),
        cure=partial(registry.fetch_again, version),
    )


def lost(registry: Registry, version: Version, original: str, local: str | None) -> Ailment:
    """MLflow's own files are not sound; a local copy that is can take their place."""
    sound = local == ""
    copies = {
        None: "There is no local copy that could be verified.",
        "": "The local copy is as it was registered.",
    }
    return Ailment(
        finding=Finding(
            check="lost files",
            task=version.task,
            version=version.number,
            what=f"MLflow's files of version {version.number} of {version.task} are damaged or "
            "gone.",
            found=f"{original} {copies.get(local, f'The local copy is damaged, too: {local}.')}",
            do="Look into MLflow's artifact store; then `onramp doctor --mend`."
            if sound
            else instead(version),
            mend="give MLflow the files of the local copy" if sound else "",
        ),
        cure=partial(registry.restore, version) if sound else None,
    )


def instead(version: Version) -> str:
    """What to do about a version that nothing can bring back."""
    if "champion" in version.aliases:
        return (
            f"Restore MLflow's artifacts from a backup, or run `onramp rollback {version.task}` "
            f"(`--to N`: to a version that you name) and `onramp promote {version.task}` then: "
            f"beside a champion that cannot be loaded the gate cannot judge."
        )
    return (
        f"Restore MLflow's artifacts from a backup, or delete version {version.number} of "
        f"{version.task} on MLflow's page."
    )
