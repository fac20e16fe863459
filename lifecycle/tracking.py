"""MLflow tracking, as Onramp uses it: the one place that writes runs.

Stages compute values; a `RunLog` writes them. Everything goes by the client with an explicit
address and run: MLflow's global address would reach every process we start, and its hidden
"active run" may be the caller's own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import mlflow
import pandas as pd
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    RunTag,
)
from mlflow.models import Model, ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
)

from lifecycle import integrity
from lifecycle.home import Home

PARAM_LENGTH = 6000
BATCH_PARAMS = 100


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One finished trial of a search, to be written as a nested run."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED"
    started_at_ms: int = 0
    ended_at_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class CodeModel:
    """A model whose code is one file of its own and whose state is one folder of plain files.

    Attributes:
        files: the folder; its name is the artifact's.
        requirements: pinned; never inferred, which takes MLflow 10 to 30 s.
    """

    name: str
    code: Path
    files: Path
    signature: ModelSignature
    example: pd.DataFrame
    requirements: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run as it was written, read back.

    Attributes:
        status: FINISHED, FAILED, KILLED or RUNNING.
        at: when it began, UTC.
    """

    run_id: str
    status: str
    at: datetime
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class RunLog:
    """Writes onto one run."""

    def __init__(self, client: MlflowClient, experiment_id: str, run_id: str) -> None:
        self.client, self.experiment_id, self.run_id = client, experiment_id, run_id

    def params(self, params: Mapping[str, Any]) -> None:
        pairs = [Param(key, str(value)[:PARAM_LENGTH]) for key, value in params.items()]
        for start in range(0, len(pairs), BATCH_PARAMS):
            self.client.log_batch(self.run_id, params=pairs[start : start + BATCH_PARAMS])

    def metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        now = int(time.time() * 1000)
        self.client.log_batch(
            self.run_id,
            metrics=[Metric(key, float(value), now, step) for key, value in metrics.items()],
        )

    def tags(self, tags: Mapping[str, str]) -> None:
        self.client.log_batch(self.run_id, tags=[RunTag(k, str(v)) for k, v in tags.items()])

    def file(self, path: Path, folder: str = "") -> None:
        self.client.log_artifact(self.run_id, str(path), folder or None)

    def text(self, text: str, name: str) -> None:
        self.client.log_text(self.run_id, text, name)

    def files(self, files: Mapping[str, bytes]) -> None:
        """Write many artifacts at once, by their paths."""
        with TemporaryDirectory() as scratch:
            for path, content in files.items():
                place = Path(scratch) / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            self.client.log_artifacts(self.run_id, scratch)

    def figure(self, figure: Any, name: str) -> None:
        """Write a matplotlib figure as a picture."""
        self.client.log_figure(self.run_id, figure, name)

    def data(self, name: str, digest: str, context: str, facts: Mapping[str, Any]) -> None:
        """Name a data set that the run read, so that MLflow's page shows the lineage."""
        dataset = Dataset(
            name, digest, source_type="local", source=json.dumps(dict(facts), default=str)
        )
        tag = InputTag(MLFLOW_DATASET_CONTEXT, context)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, [tag])])

    def model(self, model: CodeModel, metrics: Mapping[str, float]) -> str:
        """Store a models-from-code model as an output of the run; returns its `models:/…` URI.

        By the client's own steps and not `log_model`, which looks for an active run, infers
        requirements and starts a scoring check.
        """
        made = self.client.create_logged_model(
            self.experiment_id, name=model.name, source_run_id=self.run_id
        )
        described = Model(
            artifact_path=made.artifact_location,
            model_uuid=made.model_id,
            model_id=made.model_id,
            run_id=self.run_id,
        )
        with TemporaryDirectory() as scratch:
            local = str(Path(scratch) / "model")
            mlflow.pyfunc.save_model(
                path=local,
                mlflow_model=described,
                python_model=str(model.code),
                artifacts={model.files.name: str(model.files)},
                signature=model.signature,
                input_example=model.example,
                pip_requirements=list(model.requirements),
            )
            # before they leave here: what a store loses or changes is found by this
            digest = integrity.seal(Path(local))
            self.client.log_model_artifacts(made.model_id, local)
        self.client.set_logged_model_tags(made.model_id, {integrity.DIGEST: digest})
        self.client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
        self.client.log_outputs(self.run_id, [LoggedModelOutput(made.model_id, step=0)])
        now = int(time.time() * 1000)
        scored = [Metric(k, float(v), now, 0, model_id=made.model_id) for k, v in metrics.items()]
        self.client.log_batch(self.run_id, metrics=scored)
        return f"models:/{made.model_id}"

    def trials(self, trials: Sequence[Trial]) -> None:
        """Write finished trials as nested runs: one batch each, which is what SQLite likes."""
        for trial in trials:
            run = self.client.create_run(
                self.experiment_id,
                start_time=trial.started_at_ms or None,
                tags={**trial.tags, MLFLOW_PARENT_RUN_ID: self.run_id, MLFLOW_RUN_NAME: trial.name},
            )
            nested = RunLog(self.client, self.experiment_id, run.info.run_id)
            nested.params(trial.params)
            nested.metrics(trial.metrics)
            self.client.set_terminated(
                run.info.run_id, trial.status, end_time=trial.ended_at_ms or None
            )


def experiment(home: Home, name: str) -> str:
    """The experiment's id, made when new with its artifacts inside the home."""
    client = MlflowClient(home.tracking_uri)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = (home.artifacts / name).as_uri() if home.mlflow_file else None
    return str(client.create_experiment(name, artifact_location=location))


def recorded(home: Home, name: str, tags: Mapping[str, str]) -> tuple[Recorded, ...]:
    """Every run of the experiment `name` that has these tags, newest first.

    Nested runs have none of their parent's tags, so that a tag of the parents spares them all.
    """
    client = MlflowClient(home.tracking_uri)
    found = client.get_experiment_by_name(name)
    if found is None:
        return ()
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    page = client.search_runs([found.experiment_id], wanted)
    runs = list(page)
    while page.token:
        page = client.search_runs([found.experiment_id], wanted, page_token=page.token)
        runs += page
    return tuple(
        Recorded(
            run_id=run.info.run_id,
            status=run.info.status,
            at=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            tags=dict(run.data.tags),
        )
        for run in runs
    )


@contextmanager
def run(home: Home, name: str, title: str, tags: Mapping[str, str]) -> Iterator[RunLog]:
    """Open a run in the experiment `name`; it ends as failed when the block raises."""
    home.root.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(home.tracking_uri)
    experiment_id = experiment(home, name)
    made = client.create_run(experiment_id, run_name=title, tags=dict(tags))
    try:
        yield RunLog(client, experiment_id, made.info.run_id)
    except BaseException:
        client.set_terminated(made.info.run_id, "FAILED")
        raise
    client.set_terminated(made.info.run_id, "FINISHED")
