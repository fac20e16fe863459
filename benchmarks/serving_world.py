"""What `benchmarks/serving.py` serves: a home with champions, its twin on Redis, and questions.

The home is made as a newcomer makes it (simulate, ingest, features, train) and kept; both tasks'
versions are made champions without the gate, of which this benchmark says nothing.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from redis import Redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_load import asked
from feature_repo.apply import apply
from features.materialization import materialize
from features.store import forget_store, online
from ingestion import ingest
from lifecycle import version_files
from lifecycle.event_store import EventStore
from lifecycle.home import Home, open_home
from lifecycle.registry import Registry
from lifecycle.whole import write_whole
from onramp.refresh import refresh
from simulator import simulate
from tasks import supported
from training.run import train

ROOT = Path(__file__).resolve().parents[1]
TASK = "churn"
TOLD = "told.json"
SOME = 2_000  # customers who are asked about
SIZES = (1, 100)
BODIES = {1: 256, 100: 16}
ASK_FOR = {"rows": "/invocations", "customers": "/churn/score", "page": "/api/personalization/"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is known of the home.

    Attributes:
        customers: whom both tasks can answer for, in both stores.
        columns: of the model, in its order.
        rows: the customers' features.
        model: facts for the report.
    """

    customers: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[float | str | None]]
    model: dict[str, Any]


def make(folder: Path, customers: int, trials: int) -> Told:
    """The home below `folder`, made once for so many customers and trials."""
    path = folder / TOLD
    if not path.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        home = learned(folder, customers, trials)
        write_whole(path, json.dumps(asdict(looked_at(home))))  # last: it says that all is there
    return Told(**json.loads(path.read_text(encoding="utf-8")))


def home_of(folder: Path) -> Home:
    return open_home(folder / "home")


def learned(folder: Path, customers: int, trials: int) -> Home:
    """A home with features in its online store and a champion of each task."""
    simulate(folder / "drops", customers=customers, seed=7)
    home = home_of(folder)
    ingest(home, ROOT / "datasets" / "simulated.toml", folder / "drops")
    refresh(home)
    registry = Registry(home)
    for task in supported(home.dataset()).values():
        made = train(home, task, trials=trials, seed=7)
        registry.point("champion", registry.version(task.name, made.version))
    return home


def looked_at(home: Home) -> Told:
    """Whom can be asked about, with what the model is."""
    found = askable(home)
    names = list(found)[:SOME]
    columns = list(found[names[0]])
    registry = Registry(home)
    version = registry.champion(TASK)
    return Told(
        customers=names,
        columns=columns,
        rows=[list(found[name].values()) for name in names],
        model={
            "features": len(columns),
            "trees": trees(registry.folder(version) / version_files.FILES),
            "folder": str(registry.folder(version) / version_files.FILES),
            "customers": len(found),
        },
    )


def trees(folder: Path) -> int:
    """Of the model, whose booster they are what costs."""
    from training.model import FOREST, ForestModel  # noqa: PLC0415  LightGBM, once

    return int(ForestModel(folder / FOREST).booster.num_trees())


def askable(home: Home) -> dict[str, dict[str, Any]]:
    """Customer → features of churn, of those whom every task can answer for."""
    store = EventStore(home)
    with store.connect(home.dataset()) as db:
        listed = db.execute("SELECT DISTINCT customer_id FROM customers ORDER BY 1").fetchall()
    names = [str(name) for (name,) in listed]
    found: dict[str, dict[str, Any]] = {}
    for place, task in enumerate(sorted(supported(home.dataset()), key=lambda name: name != TASK)):
        rows = {r.customer_id: r for r in online(home, task, names) if r.status == "found"}
        if place == 0:
            found = {name: dict(row.values) for name, row in rows.items()}
        found = {name: values for name, values in found.items() if name in rows}
    return found


def on_redis(folder: Path, port: int, wanted: Sequence[str]) -> Home:
    """The home's twin, its features in a Redis that has none yet."""
    home = home_of(folder)
    root, stores = folder / "twin", folder / "redis.json"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(home.root, root, ignore=shutil.ignore_patterns("predictions", "receipts"))
    config = json.loads(as_json(home))
    config["online_store"] = {
        "type": "features.online_redis.VectorRedisOnlineStore",
        "connection_string": f"127.0.0.1:{port}",
    }
    config["registry"]["path"] = f"sqlite:///{root / 'feast' / 'registry.db'}"
    stores.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    twin = open_home(root, stores=stores)
    apply(twin)
    materialize(twin, EventStore(twin).as_of(twin.dataset()))
    lacking = [row.customer_id for row in online(twin, TASK, wanted) if row.status != "found"]
    assert not lacking, f"{len(lacking)} customers are not in Redis"
    forget_store(twin)
    return twin


def process_of(port: int) -> int:
    """The process of a Redis server."""
    told: Any = Redis(port=port).info("server")
    return int(told["process_id"])


def as_json(home: Home) -> str:
    """Feast's configuration of the embedded stores."""
    import yaml  # noqa: PLC0415  Feast brings it

    text = (home.feast / "feature_store.yaml").read_text(encoding="utf-8")
    return json.dumps(yaml.safe_load(text))


def questions(told: Told, folder: Path) -> dict[tuple[str, int], Path]:
    """What is asked and how much at once → a file of prepared questions."""
    return {
        (what, size): written(folder / f"{what}-{size}.json", prepared(told, what, size))
        for what in ASK_FOR
        for size in (SIZES if what != "page" else SIZES[:1])
    }


def written(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def prepared(told: Told, what: str, size: int) -> list[dict[str, Any]]:
    """Questions about other customers each, as far as there are any."""
    path, found = ASK_FOR[what], []
    for number in range(BODIES[size]):
        those = [(number * size + n) % len(told.customers) for n in range(size)]
        if what == "page":
            name = told.customers[those[0]]
            found.append(asked(path + name, None, '"fallback_reason":null', 1))
        elif what == "rows":
            split = {"columns": told.columns, "data": [told.rows[n] for n in those]}
            body = json.dumps({"dataframe_split": split}).encode()
            found.append(asked(path, body, '"answer":', size))
        else:
            names = {"customer_ids": [told.customers[n] for n in those]}
            found.append(asked(path, json.dumps(names).encode(), '"answer":"', size))
    return found
