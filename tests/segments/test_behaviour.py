"""Behaviour segments from built rows to a stored version, a run in MLflow, and the next refresh."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from features.build import build
from features.catalogue import slug
from ingestion import ingest
from lifecycle import tracking
from lifecycle.home import Home, open_home
from lifecycle.progress import silent
from segments import behaviour, behaviour_store
from segments.behaviour import FitReport
from segments.behaviour_fit import Study, compare, explore, model_of, name, prepare
from segments.behaviour_rows import snapshot
from simulator import simulate
from tests.features.canonical import AS_OF
from tests.segments.planted import LATER, home_of, kinds, noise, planted, write
from tests.segments.test_behaviour_model import MODEL, rows, segment

ROOT = Path(__file__).resolve().parents[2]
# The last kind is too small.
KIND = kinds((110, 106, 4))
NewHome = Callable[[str, dict[str, np.ndarray]], Home]


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> NewHome:
    """Makes homes with written rows and an MLflow that was migrated once and copied."""
    first = open_home(tmp_path_factory.mktemp("mlflow") / "home")
    with tracking.run(first, "set-up", "set-up", {}):
        pass

    def make(name: str, values: dict[str, np.ndarray]) -> Home:
        home = home_of(tmp_path_factory.mktemp(name) / "home", values)
        shutil.copy(first.root / "mlflow.db", home.root)
        return home

    return make


@dataclass(frozen=True)
class Refreshed:
    """One home, fitted, fitted again on the same rows, and on rows of a week later."""

    home: Home
    first: FitReport
    again: FitReport
    later: FitReport


@pytest.fixture(scope="module")
def refreshed(new_home: NewHome) -> Refreshed:
    home = new_home("refreshed", planted(KIND))
    first = behaviour.fit(home, as_of=AS_OF, seed=1)
    again = behaviour.fit(home, as_of=AS_OF, seed=1)
    # Five busy customers went away.
    kind = KIND.copy()
    kind[np.flatnonzero(kind == 0)[:5]] = 1
    write(home, planted(kind, seed=1), moment=LATER, part="later")
    return Refreshed(home, first, again, behaviour.fit(home, as_of=LATER, seed=2))


def names_of(report: FitReport) -> list[str]:
    return [one.name for one in report.segments]


def test_planted_segments_are_found(refreshed: Refreshed) -> None:
    """Three kinds, their sizes, and names that say what they do."""
    report = refreshed.first
    assert report.stored
    assert {one.name: one.customers for one in report.segments} == {
        "long visits, many visits": 110,
        "long away, quiet": 106,
        "high value, hardly any video": 4,
    }


def test_the_same_rows_again_change_nothing(refreshed: Refreshed) -> None:
    """Same names, the same version, nobody moved, adjusted Rand index 1."""
    first, again = refreshed.first, refreshed.again
    assert (names_of(again), again.version, again.stored) == (names_of(first), first.version, False)
    assert again.change is not None
    assert (again.change.ari, again.change.moved, again.change.lost) == (1.0, 0, ())
    assert {one.origin for one in again.segments} == {"kept"}


def test_names_stay_while_customers_move(refreshed: Refreshed) -> None:
    """A week, other customers and another seed later: the same names, and both fits agree."""
    later, first = refreshed.later, refreshed.first
    assert later.stored
    sizes = {one.name: one.customers for one in later.segments}
    busy, gone, buyer = names_of(first)
    assert sizes == {busy: 105, gone: 111, buyer: 4}
    assert later.change is not None
    assert (later.change.ari, later.change.moved, later.change.compared) == (1.0, 0, 220)
    assert "adjusted Rand index 1.000, 0 of 220 customers moved" in "\n".join(later.lines())


def test_who_moved_is_counted() -> None:
    """Of the rows that both fits tell, those in a segment of another name moved."""
    moved = replace(MODEL, segments=(segment("near", 0.0, 0.0), segment("new", 1.0, 1.0)))
    asked = rows([0.1, 0.2, 0.8, 5.0, None], [0.1, 0.2, 0.8, 5.0, None])
    change = compare(MODEL, moved, asked, lost=("far",))
    assert (change.moved, change.compared, change.lost) == (2, 4, ("far",))
    assert change.ari == pytest.approx(adjusted_rand_score([0, 0, 0, 1], [0, 0, 1, 1]))
    assert change.lines()[1] == "  lost since: far"


def test_what_is_stored_is_what_is_loaded(refreshed: Refreshed) -> None:
    """The newest version is in force, each is kept, and it tells the planted kinds."""
    home = refreshed.home
    model = behaviour.load(home)
    assert model is not None
    assert model.version == refreshed.later.version
    assert [path.stem for path in behaviour_store.history(home)] == [
        f"behaviour-{report.version}" for report in (refreshed.first, refreshed.later)
    ]
    assert list(home.segments.rglob("*.unfinished")) == []
    told = model.assign(snapshot(home, AS_OF).rows)
    assert adjusted_rand_score(KIND, told) == 1


def test_the_same_data_and_seed_give_the_same_model(refreshed: Refreshed, tmp_path: Path) -> None:
    """Another home with the same rows: the same model, names and version, to the bit."""
    other = home_of(tmp_path / "home", planted(KIND))
    study = study_of(other, AS_OF, seed=1)
    named = name(study, None)
    assert named is not None
    stored = behaviour_store.history(refreshed.home)[0].read_text()
    assert model_of(other, study, named, None).to_json() == stored


def study_of(home: Home, as_of: datetime, seed: int) -> Study:
    """Everything but storing and recording."""
    with threadpool_limits(1):
        return explore(prepare(home, as_of), None, seed, silent)


def test_the_run_holds_everything(refreshed: Refreshed) -> None:
    """Figures, rules, lineage, every candidate, the model and the pictures, in the home."""
    client = MlflowClient(refreshed.home.tracking_uri)
    run = client.get_run(refreshed.later.run_id)
    assert run.data.params["names"] == "; ".join(names_of(refreshed.later))
    share = f"share.{slug(names_of(refreshed.later)[0])}"
    measured = run.data.metrics.keys()
    assert {"silhouette", "stability", "cloud", "ari_to_previous", share} <= measured
    digest = run.inputs.dataset_inputs[0].dataset.digest
    assert digest == run.data.params["data_fingerprint"]
    drawn = {Path(file.path).stem for file in client.list_artifacts(run.info.run_id, "pictures")}
    assert drawn == {"segments", "profiles", "candidates"}
    folder = next(refreshed.home.artifacts.rglob(f"{run.info.run_id}/artifacts"))
    assert (folder / "behaviour.json").read_text() == (
        behaviour_store.current_file(refreshed.home).read_text()
    )
    # Four algorithms, seven numbers of segments, the one that goes on; and a head.
    assert len((folder / "candidates.csv").read_text().splitlines()) == 4 * 7 + 1 + 1


def test_going_on_wins_among_equals(refreshed: Refreshed) -> None:
    """A refresh of the same kinds goes on from the centres in force."""
    assert refreshed.later.chosen is not None
    assert refreshed.later.chosen.algorithm == "mini-batch k-means, continued"


def test_small_segments_are_warned_of(refreshed: Refreshed) -> None:
    """A kind of four customers is found, and said to be too small."""
    report = refreshed.first
    assert [one.customers for one in report.segments if one.small] == [4]
    assert len(report.warnings) == 1
    assert "is too small: 4 customers (1.8%). Below 30 customers or 2%" in "\n".join(report.lines())


def test_noise_has_no_segments(new_home: NewHome) -> None:
    """Nothing is stored, the report says so, and the run is kept all the same."""
    home = new_home("noise", noise(150))
    report = behaviour.fit(home, as_of=AS_OF)
    assert (report.chosen, report.version, report.stored) == (None, None, False)
    assert behaviour.load(home) is None
    assert "no behaviour segments found of 150 customers" in report.lines()[0]
    assert "None is in force." in report.lines()[0]
    run = MlflowClient(home.tracking_uri).get_run(report.run_id)
    assert run.data.params["algorithm"] == "none"


def test_all_alike_is_no_error(new_home: NewHome) -> None:
    """Customers who are the same in everything have no segments either."""
    report = behaviour.fit(new_home("alike", {"sessions_7d": np.ones(150)}), as_of=AS_OF)
    assert (report.chosen, report.candidates) == (None, ())
    assert "alike in everything" in report.lines()[1]


def test_a_redefined_feature_is_not_read(refreshed: Refreshed, tmp_path: Path) -> None:
    """Segments of a feature that means something else today are not loaded, but kept."""
    home = open_home(tmp_path / "home")
    shutil.copytree(refreshed.home.segments, home.segments)
    shutil.copy(refreshed.home.dataset_file, home.dataset_file)
    model = behaviour_store.read(home)
    assert model is not None
    assert behaviour.load(home) == model
    other = replace(model.columns[0], definition="another")
    behaviour_store.write(home, replace(model, columns=(other, *model.columns[1:])))
    assert behaviour.load(home) is None
    assert behaviour_store.read(home) is not None


def test_loading_needs_no_heavy_library(refreshed: Refreshed) -> None:
    """A server that assigns segments imports neither scikit-learn nor MLflow nor matplotlib."""
    code = (
        "import sys; from pathlib import Path; from lifecycle.home import open_home;"
        "from segments import behaviour;"
        f"assert behaviour.load(open_home(Path({str(refreshed.home.root)!r}))) is not None;"
        "print(sorted({'sklearn', 'mlflow', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert said.stdout.strip() == "[]"


def test_simulated_segments_are_not_by_chance(tmp_path: Path) -> None:
    """What is found in the simulated log goes with the planted kinds, far beyond shuffled ones."""
    simulate(tmp_path / "out", customers=500, days=40, seed=7)
    home = open_home(tmp_path / "home")
    ingest(home, ROOT / "datasets" / "simulated.toml", tmp_path / "out")
    as_of = datetime(2026, 12, 31, tzinfo=UTC)
    build(home, moments_days=(14, 30), as_of=as_of)
    study = study_of(home, as_of, seed=0)
    assert study.form is not None
    found = study.form.labels(study.x)
    truth = truth_of(tmp_path / "out", study.snapshot.rows["customer_id"].to_pylist())
    rng = np.random.default_rng(0)
    by_chance = [adjusted_rand_score(truth, rng.permutation(found)) for _ in range(200)]
    assert adjusted_rand_score(truth, found) > np.mean(by_chance) + 6 * np.std(by_chance)


def truth_of(out: Path, customers: list[str]) -> list[str]:
    """The planted kind of each customer."""
    with duckdb.connect() as db:
        found = db.execute(
            f"SELECT customer_id, segment FROM read_parquet('{out}/truth/customers.parquet')"
        ).fetchall()
    truth = dict(found)
    return [truth[one] for one in customers]
