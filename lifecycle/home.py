"""The one folder that holds everything embedded: delete it and you are a newcomer again.

A home belongs to one data set. Its paths are named here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lifecycle.channels import AnyChannel
from lifecycle.dataset import DataSet, read_dataset
from lifecycle.errors import NotReady, UsageError
from lifecycle.receiver import Receiver

RECEIPTS_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class Home:
    """Paths below `root`, which is absolute, and the address of MLflow.

    Attributes:
        stores: the Feast configuration to apply instead of the embedded one.
        webhook: whom to tell that an alias moved; None: nobody, or MLflow's server tells.
        receipts_days: how long the server keeps what was given with answers.
        channels: whom to tell how retrain jobs end.
        channels_problem: why that could not be read; it keeps no verb from its work.
    """

    root: Path
    tracking_uri: str
    stores: Path | None = None
    webhook: Receiver | None = None
    receipts_days: int = RECEIPTS_DAYS
    channels: tuple[AnyChannel, ...] = ()
    channels_problem: str = ""

    @property
    def dataset_file(self) -> Path:
        return self.root / "dataset.toml"

    @property
    def manifest(self) -> Path:
        """SQLite: which source files are in the event store and which parts hold them."""
        return self.root / "ingest.db"

    @property
    def events(self) -> Path:
        return self.root / "events"

    @property
    def customers(self) -> Path:
        return self.root / "customers"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def segments(self) -> Path:
        """What segments remember: edges of scores, fitted models, when they were refreshed."""
        return self.root / "segments"

    @property
    def segments_file(self) -> Path:
        """The home's own segments; the shipped ones hold where it has none."""
        return self.root / "segments.toml"

    @property
    def feast(self) -> Path:
        return self.root / "feast"

    @property
    def mlflow_file(self) -> Path | None:
        """MLflow's SQLite file; None when MLflow is a server or on another database."""
        prefix = "sqlite:///"
        if not self.tracking_uri.startswith(prefix):
            return None
        return Path(self.tracking_uri.removeprefix(prefix))

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts, when MLflow is embedded."""
        return self.root / "artifacts"

    @property
    def studies(self) -> Path:
        """Optuna's journals: a killed search carries on from here."""
        return self.root / "studies"

    @property
    def models(self) -> Path:
        """Registered versions, copied once from MLflow and read from here."""
        return self.root / "models"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    @property
    def receipts(self) -> Path:
        """What was given with answers and no log has, by receipt."""
        return self.root / "receipts"

    @property
    def content_file(self) -> Path:
        """The home's own content table; the shipped one holds where it has none."""
        return self.root / "content.toml"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def evidently(self) -> Path:
        """The workspace that `evidently ui --workspace` shows."""
        return self.root / "evidently"

    @property
    def locks(self) -> Path:
        """What one process at a time may do."""
        return self.root / "locks"

    @property
    def ingest_lock(self) -> Path:
        """Held while sources are read: without it, what is committed may be half of them."""
        return self.root / "ingest.lock"

    @property
    def journal(self) -> Path:
        """SQLite: events that were taken one by one and are not in the event store yet."""
        return self.root / "live.db"

    @property
    def verbs(self) -> Path:
        """When each verb that a schedule calls last ended, and how: one file a verb."""
        return self.root / "verbs"

    @property
    def metrics_file(self) -> Path:
        """What Prometheus' node exporter picks up, in a folder that holds nothing else."""
        return self.root / "metrics" / "onramp.prom"

    @property
    def schedule_file(self) -> Path:
        """The home's own schedule; the shipped one holds where it has none."""
        return self.root / "schedule.toml"

    @property
    def scheduler_file(self) -> Path:
        """What the scheduler has done and does next."""
        return self.root / "scheduler.json"

    @property
    def platform(self) -> Path:
        """SQLite: the ledger, the jobs, rollouts, and moves of champions that were begun."""
        return self.root / "platform.db"

    def dataset(self) -> DataSet:
        """The data set this home belongs to.

        Raises:
            NotReady: nothing was ingested yet.
        """
        if not self.dataset_file.exists():
            raise NotReady(
                f"No data set in {self.root}.",
                found="Nothing was ingested yet.",
                do="Run `onramp simulate` and `onramp ingest`, or `onramp demo`.",
            )
        return read_dataset(self.dataset_file)


def open_home(
    root: Path,
    tracking_uri: str = "",
    stores: Path | None = None,
    webhook: Receiver | None = None,
    receipts_days: int = RECEIPTS_DAYS,
    channels: tuple[AnyChannel, ...] = (),
) -> Home:
    """Name the home at `root`. Makes nothing on disk: each store makes its own folder.

    Raises:
        UsageError: a file stands where the home should be, or `stores` names none.
    """
    root = root.expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise UsageError(
            f"{root} cannot be a home.", found="It is a file.", do="Name a folder in ONRAMP_HOME."
        )
    if stores is not None:
        stores = stores.expanduser().resolve()
        if not stores.is_file():
            raise UsageError(
                f"No Feast configuration {stores}.", found="ONRAMP_STORES names it.",
                do="Name a file, such as deploy/postgres-redis/feature_store.yaml.",
            )  # fmt: skip
    return Home(
        root=root,
        tracking_uri=tracking_uri or f"sqlite:///{root / 'mlflow.db'}",
        stores=stores,
        webhook=webhook,
        receipts_days=receipts_days,
        channels=channels,
    )
