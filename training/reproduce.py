"""Makes a registered version again from what was recorded of it, and says how near it comes.

As-of time, task and features give the training set; the recipe, the seed and the rows give the
model, without a search. Nothing is registered, and nothing of the version is changed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from mlflow.exceptions import MlflowException

from lifecycle import version_files
from lifecycle.broken_spans import read
from lifecycle.errors import NotReady, OnrampError
from lifecycle.home import Home
from lifecycle.progress import Progress, silent
from lifecycle.registry import Registry, Version
from lifecycle.task import Task
from lifecycle.version_files import FILES, facts
from training.admission import admit
from training.candidate import rebuild
from training.ensemble.recipe import Recipe, recipe_from_json
from training.environment import changes, surroundings
from training.finish import RECIPE
from training.model import Scorer
from training.other_data import Recorded, other_data, other_features, other_question
from training.parts import prepare_parts
from training.record import code_version
from training.splits import shares_of
from training.trainingset import BROKEN_SPANS, TrainingSet

Verdict = Literal["identical", "within tolerance", "different"]

TOLERANCE = 1e-6  # of a probability: what a sum in another order may come to, and no decision
STEPS = 3


@dataclass(frozen=True, kw_only=True)
class ReproduceReport:
    """How a version came out when it was made again.

    Attributes:
        verdict: identical: every file has the same bytes. within tolerance: the same training
            set, and no probability differs by more than `tolerance`. different: neither.
        because: what is known to be another, also where the version came out the same all the
            same: rows of its test, say, that it did not learn from.
        files: file → whether its bytes are the same; empty when it was not made again.
        largest_difference: of any probability on the reference rows; None: not measured.
        reference_rows: how many rows that was measured on.
        fingerprint_then, fingerprint_now: of the training set; None: not assembled.
    """

    task: str
    version: int
    verdict: Verdict
    because: tuple[str, ...]
    files: Mapping[str, bool]
    largest_difference: float | None
    reference_rows: int
    tolerance: float = TOLERANCE
    as_of: datetime
    seed: int
    fingerprint_then: str
    fingerprint_now: str | None
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        word = "different because:" if self.verdict == "different" else f"{self.verdict}."
        said = [f"{self.task} {self.version}, made again as of {self.as_of:%Y-%m-%d}: {word}"]
        said += [f"  {reason}" for reason in self.because]
        if self.files:
            same = [name for name, equal in self.files.items() if equal]
            other = [name for name, equal in self.files.items() if not equal]
            said += [f"  same bytes: {', '.join(same)}"] if same else []
            said += [f"  other bytes: {', '.join(other)}"] if other else []
        if self.largest_difference is not None:
            said.append(
                f"  largest difference of a probability on {self.reference_rows:,} reference rows: "
                f"{self.largest_difference:.2g} (tolerance {self.tolerance:g})"
            )
        return said


@dataclass(frozen=True, kw_only=True)
class Known:
    """A version and all that was recorded of it.

    Attributes:
        parameters: of its run; empty when the run is gone.
    """

    version: Version
    recorded: Recorded
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Remade:
    """A version made again.

    Attributes:
        files: file → whether its bytes are those of the version.
        difference: largest of any probability on the reference rows.
        rows: of the reference.
        thresholds: from which an answer is yes, then and now.
    """

    files: Mapping[str, bool]
    difference: float
    rows: int
    thresholds: tuple[float, float] = (0.5, 0.5)

    @property
    def identical(self) -> bool:
        return all(self.files.values())

    @property
    def near(self) -> bool:
        then, now = self.thresholds
        near = self.difference <= TOLERANCE and abs(then - now) <= TOLERANCE
        return self.rows > 0 and near  # of no rows nothing is known

    def decides_otherwise(self) -> Iterator[str]:
        """Probabilities may be the same and yet another answer given."""
        then, now = self.thresholds
        if abs(then - now) > TOLERANCE:
            yield f"The threshold was {then:.6g} and is {now:.6g}: it follows the task's costs."


def reproduce(home: Home, task: Task, number: int, progress: Progress = silent) -> ReproduceReport:
    """Assemble the training set of then, make the version again and compare.

    Args:
        home: where the version is registered.
        task: as the home's data set asks it.
        number: of the version.
        progress: shows the steps.

    Raises:
        UnknownName: there is no such version.
        NotReady: the version carries no recipe, or features of then are not built.
    """
    from features.store import definitions  # noqa: PLC0415  # Feast: 4 s that a frame spares
    from training.dataset import assemble  # noqa: PLC0415  # as above

    began = time.monotonic()
    known = known_of(home, task, number)
    if other := other_question(task, known.recorded.facts):
        return unmade(known, other, None, began)
    with progress(f"reproduce {task.name} {number}", STEPS) as advance:
        advance(0, "assembling the training set of then")
        when = datetime.fromisoformat(known.recorded.facts["as_of"])
        spans = read(known.recorded.facts["lineage"].get(BROKEN_SPANS, ""))
        found_rows = assemble(home, task, when, broken=spans)
        data = replace(found_rows, definitions=definitions(home, task.name))
        advance(1, "making it again")
        found = made_again(known, task, data, began)
        advance(STEPS - 1, found.verdict)
    return found


def reproduce_on(home: Home, task: Task, number: int, data: TrainingSet) -> ReproduceReport:
    """Make the version again on a given training set and compare; see `reproduce`."""
    began = time.monotonic()
    return made_again(known_of(home, task, number), task, data, began)


def made_again(known: Known, task: Task, data: TrainingSet, began: float) -> ReproduceReport:
    recorded, seed = known.recorded, int(known.recorded.facts["seed"])
    if other := (*other_question(task, recorded.facts), *other_features(data, recorded.facts)):
        return unmade(known, other, data.fingerprint, began)
    with TemporaryDirectory() as scratch:
        try:
            data = admit(task, data)  # the fingerprint is of the rows as they are learned from
            # the event store's fingerprint grows with what is received later, the version's stays
            of_then = replace(data, lineage=recorded.facts["lineage"])
            prepared = prepare_parts(task, of_then, shares_of(recorded.facts), seed)
            rebuild(task, prepared, recipe_of(recorded), Path(scratch), seed)
        except OnrampError as error:
            other = (*other_data(data, recorded), str(error))
            return unmade(known, other, data.fingerprint, began)
        remade = compared(recorded, Path(scratch))
    now = prepared.data.fingerprint
    reasons = (*other_data(data, recorded), *remade.decides_otherwise())
    reasons += changes(known.parameters, surroundings(code_version()))
    verdict = verdict_of(remade, same_data=now == recorded.fingerprint)
    if verdict == "different" and not reasons:
        reasons = ("Nothing that was recorded is another: the machine may be.",)
    return ReproduceReport(
        task=task.name, version=known.version.number, verdict=verdict, because=reasons,
        files=remade.files, largest_difference=remade.difference, reference_rows=remade.rows,
        as_of=data.as_of, seed=seed, fingerprint_then=recorded.fingerprint, fingerprint_now=now,
        seconds=time.monotonic() - began,
    )  # fmt: skip


def verdict_of(remade: Remade, *, same_data: bool) -> Verdict:
    """Equal bytes speak for themselves; near answers count only from the same rows."""
    if remade.identical:
        return "identical"
    return "within tolerance" if same_data and remade.near else "different"


def known_of(home: Home, task: Task, number: int) -> Known:
    """What the version and its run say of it.

    Raises:
        UnknownName: there is no such version.
        NotReady: it carries no recipe.
    """
    registry = Registry(home)
    version = registry.version(task.name, number)
    folder = registry.folder(version)
    recorded = Recorded(
        folder=folder, facts=facts(folder), fingerprint=version.tags.get("data_fingerprint", "")
    )
    if not recipe_file(recorded).exists():
        raise NotReady(
            f"{version.task} {version.number} cannot be made again.",
            found=f"It carries no {RECIPE}: it was trained before recipes were kept.",
            do=f"Train again with the same as-of: `onramp train {version.task} --as-of "
            f"{recorded.facts['as_of'][:10]} --seed {recorded.facts['seed']}`.",
        )
    return Known(
        version=version, recorded=recorded, parameters=parameters_of(registry, version.run_id)
    )


def recipe_of(recorded: Recorded) -> Recipe:
    return recipe_from_json(json.loads(recipe_file(recorded).read_text(encoding="utf-8")))


def recipe_file(recorded: Recorded) -> Path:
    return recorded.folder / FILES / RECIPE


def parameters_of(registry: Registry, run_id: str) -> Mapping[str, str]:
    """What the version's run recorded; nothing when the run is gone."""
    try:
        return dict(registry.client.get_run(run_id).data.params)
    except MlflowException:
        return {}


def compared(recorded: Recorded, made: Path) -> Remade:
    """Bytes of every file that was made, and answers on the version's reference rows."""
    files = {
        path.name: same_bytes(path, recorded.folder / FILES / path.name)
        for path in sorted(made.iterdir())
    }
    rows = version_files.reference(recorded.folder)
    then, now = Scorer.from_folder(recorded.folder / FILES), Scorer.from_folder(made)
    difference = float("inf")
    if then.classes == now.classes:
        gaps = np.abs(then.score(rows) - now.score(rows))
        difference = float(gaps.max(initial=0.0))
    return Remade(
        files=files, difference=difference, rows=len(rows),
        thresholds=(then.threshold, now.threshold),
    )  # fmt: skip


def same_bytes(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def unmade(
    known: Known, because: tuple[str, ...], now: str | None, began: float
) -> ReproduceReport:
    """Different, and known to be so before it could be made again."""
    recorded = known.recorded
    return ReproduceReport(
        task=known.version.task, version=known.version.number, verdict="different",
        because=because, files={}, largest_difference=None, reference_rows=0,
        as_of=datetime.fromisoformat(recorded.facts["as_of"]), seed=int(recorded.facts["seed"]),
        fingerprint_then=recorded.fingerprint, fingerprint_now=now,
        seconds=time.monotonic() - began,
    )  # fmt: skip
