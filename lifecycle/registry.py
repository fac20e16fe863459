"""MLflow's model registry, as Onramp uses it: versions, and the aliases that say who serves."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

from lifecycle import integrity
from lifecycle.errors import DataError, NotReady, UnknownName
from lifecycle.home import Home

Alias = Literal["champion", "challenger", "previous"]

UNFINISHED = ".unfinished"
LONGEST_TAG = 4900  # MLflow refuses a value of more than 5,000
LOST = "Run `onramp doctor`: it says what is left of the version and what to do."


@dataclass(frozen=True, kw_only=True)
class Version:
    """One registered version of a task's model."""

    task: str
    number: int
    run_id: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"models:/{self.task}/{self.number}"

    @property
    def digest(self) -> str:
        """What its files must come to (`lifecycle.integrity`); empty: it was never said."""
        return self.tags.get(integrity.DIGEST, "")

    @property
    def name(self) -> str:
        """The version as an error says it."""
        return f"Version {self.number} of {self.task}"


class Registry:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.client = MlflowClient(home.tracking_uri, home.tracking_uri)

    def versions(self, task: str) -> tuple[Version, ...]:
        """Every version, newest first, with its aliases."""
        try:
            aliases = self.client.get_registered_model(task).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return ()
            raise
        found = self.client.search_model_versions(f"name = '{task}'")
        return tuple(
            Version(
                task=task,
                number=int(version.version),
                run_id=version.run_id or "",
                # search_model_versions answers with empty aliases, so they come from the model
                aliases=tuple(
                    sorted(name for name, n in aliases.items() if str(n) == str(version.version))
                ),
                tags=dict(version.tags),
            )
            for version in sorted(found, key=lambda version: -int(version.version))
        )

    def version(self, task: str, number: int) -> Version:
        """One version.

        Raises:
            UnknownName: there is no such version.
        """
        versions = {version.number: version for version in self.versions(task)}
        if number not in versions:
            raise UnknownName(f"version of {task}", str(number), [str(n) for n in versions])
        return versions[number]

    def holder(self, task: str, alias: Alias) -> Version | None:
        """The version that holds the alias, if one does."""
        return next((v for v in self.versions(task) if alias in v.aliases), None)

    def champion(self, task: str) -> Version:
        """The version that serves.

        Raises:
            NotReady: no version was promoted yet.
        """
        found = self.holder(task, "champion")
        if found is None:
            raise NotReady(
                f"No champion for {task}.",
                found="No version was promoted yet.",
                do=f"Run `onramp train {task}` and `onramp promote {task}`.",
            )
        return found

    def register(self, task: str, model_uri: str, tags: Mapping[str, str]) -> Version:
        """Make a logged model (`models:/m-…`) a version of the task.

        By the client and not `mlflow.register_model`, which talks on standard error and to the
        address that the process set last. The digest that the model's writer left on it goes onto
        the version.
        """
        try:
            self.client.create_registered_model(task)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        model = self.client.get_logged_model(model_uri.removeprefix("models:/"))
        # by its place: MLflow would look a `models:/` address up in the process's global store
        made = self.client.create_model_version(
            task,
            model.artifact_location,
            run_id=model.source_run_id,
            tags={**tags, **{k: v for k, v in model.tags.items() if k == integrity.DIGEST}},
            model_id=model.model_id,
        )
        return self.version(task, int(made.version))

    def describe_model(self, task: str, text: str, tags: Mapping[str, str]) -> None:
        """Write the model's description, in Markdown, and its tags, where they are others."""
        model = self.client.get_registered_model(task)
        if model.description != text:
            self.client.update_registered_model(task, text)
        for key, value in tags.items():
            if model.tags.get(key) != value:
                self.client.set_registered_model_tag(task, key, value)

    def describe(self, version: Version, text: str) -> None:
        """Write the version's description, in Markdown."""
        self.client.update_model_version(version.task, str(version.number), text)

    def drop(self, alias: Alias, task: str) -> None:
        """Let nothing hold the alias."""
        if alias in self.aliases(task):
            self.client.delete_registered_model_alias(task, alias)

    def point(self, alias: Alias, version: Version) -> None:
        """Let the alias name this version."""
        self.client.set_registered_model_alias(version.task, alias, str(version.number))

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Write tags onto the version; of a long value its beginning."""
        for key, value in tags.items():
            self.client.set_model_version_tag(
                version.task, str(version.number), key, value[:LONGEST_TAG]
            )

    def untag(self, version: Version, keys: Iterable[str]) -> None:
        """Take tags off the version."""
        for key in keys:
            self.client.delete_model_version_tag(version.task, str(version.number), key)

    def aliases(self, task: str) -> Mapping[str, int]:
        """Every alias and the version it names, whether that version is there or not."""
        try:
            found = self.client.get_registered_model(task).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {}
            raise
        return {alias: int(number) for alias, number in sorted(found.items())}

    def folder(self, version: Version) -> Path:
        """A local copy of the version's files, fetched once and verified each time.

        Its name holds the run too, because a number says nothing of which MLflow counted it. Of a
        version without a digest nothing can be verified, and the copy is handed out as it is.

        Raises:
            DataError: a file is not as it was registered, or nothing can be fetched.
        """
        folder = self.place(version)
        if not folder.exists():
            self.fetch(version, folder)
        if version.digest:
            integrity.verify(folder, version.digest, version.name)
        return folder

    def place(self, version: Version) -> Path:
        """Where the local copy stands."""
        return self.home.models / version.task / folder_name(version)

    def source(self, version: Version) -> str:
        """Where MLflow keeps the version's files."""
        return str(self.client.get_model_version_download_uri(version.task, str(version.number)))

    def fetch(self, version: Version, folder: Path) -> None:
        """Copy the version's files from MLflow; the folder appears whole, by rename.

        Raises:
            DataError: MLflow's own files are not as they were registered, or are not there.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = folder.with_name(f".{version.number}-{uuid.uuid4().hex[:8]}{UNFINISHED}")
        scratch.mkdir()
        try:
            fetched = self._download(version, scratch)
            if version.digest:
                integrity.discard_unlisted(fetched, version.digest)
                where, name = self.source(version), f"{version.name} in MLflow"
                integrity.verify(fetched, version.digest, name, LOST, where)
            try:
                fetched.replace(folder)
            except OSError:  # another process was first; whoever reads its copy verifies it
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def fetch_again(self, version: Version) -> None:
        """Put a fresh copy of MLflow's files in the place of the local one.

        Raises:
            DataError: MLflow's own files are not as they were registered; the old copy stays.
        """
        folder = self.place(version)
        fresh, old = (folder.with_name(f".{uuid.uuid4().hex[:8]}{UNFINISHED}") for _ in range(2))
        self.fetch(version, fresh)
        folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:  # a reader saw no copy and was quicker; its copy was verified, too
            shutil.rmtree(fresh)
        shutil.rmtree(old)

    def restore(self, version: Version) -> None:
        """Give MLflow back the files that it lost, from a local copy that is verified first.

        To where the version says its files are: MLflow's client would go by the logged model,
        whose id an embedded registry forgets.

        Raises:
            DataError: there is no digest, or the local copy is not as it was registered.
        """
        integrity.require(version.digest, version.name)
        store = get_artifact_repository(self.source(version), tracking_uri=self.home.tracking_uri)
        with TemporaryDirectory() as scratch:
            # the registered files alone: Python's bytecode beside them was never verified
            sound = Path(scratch) / "model"
            shutil.copytree(self.folder(version), sound)
            integrity.discard_unlisted(sound, version.digest)
            store.log_artifacts(str(sound))

    def _download(self, version: Version, scratch: Path) -> Path:
        """Where below `scratch` the version's files are."""
        try:
            found = mlflow.artifacts.download_artifacts(
                self.source(version), dst_path=str(scratch), tracking_uri=self.home.tracking_uri
            )
        except (MlflowException, OSError) as error:
            raise DataError(
                f"The files of version {version.number} of {version.task} cannot be fetched.",
                found=f"MLflow said: {error}",
                do=LOST,
            ) from error
        return Path(found)


def folder_name(version: Version) -> str:
    """Of the version whichever MLflow it is in."""
    return f"{version.number}-{version.run_id[:12]}"
