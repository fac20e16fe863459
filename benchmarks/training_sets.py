"""The tables of `benchmarks/training.py`: made once, kept as Parquet, cut for a seed.

Where a table has time, the newest rows are held out and every seed has the same ones: a seed
then only moves the system under test. Where it has none, a random quarter is held out, with
equal shares of the label, and each seed has its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_synthetic import synthetic
from lifecycle.home import Home, open_home
from lifecycle.whole import write_whole
from training.splits import split
from training.trainingset import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
LABEL, ENTITY, TIME = "label", "customer_id", "event_timestamp"
HELD_OUT = 0.25
HOTEL_TEST_FROM = "2017-01-01"
HOTEL_LEAKS = (
    "reservation_status",  # is the label
    "reservation_status_date",  # is written when it is decided
    "assigned_room_type",  # at the desk
    "booking_changes",  # filled until then
)


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What a table is.

    Attributes:
        features: (name, "number" | "category") in order.
        timed: the newest rows are held out; the frame then has an `event_timestamp`.
        moments: the frame is a training set of Onramp, with several moments a customer.
        about: where the rows are from and what was done to them.
    """

    name: str
    features: tuple[tuple[str, str], ...]
    timed: bool
    moments: bool
    about: str

    @property
    def categories(self) -> list[str]:
        return [name for name, kind in self.features if kind == "category"]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.features]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows with a boolean `label`, and `held_out` where the cut does not depend on the seed."""

    meta: Meta
    frame: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What a system is given, and what only the judge has.

    Attributes:
        train: features, `label`, and the keys that the table has.
        test: features alone.
        labels: of the test rows, shape (rows,).
        entities: whose each test row is; its own where the table names nobody.
    """

    meta: Meta
    train: pd.DataFrame
    test: pd.DataFrame
    labels: np.ndarray[Any, np.dtype[np.bool_]]
    entities: pd.Series[str]


def features_of(frame: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Every column but label and keys: text is a category, all else a number."""
    keys = {*COLUMNS, "held_out"}
    return tuple(
        (str(name), "category" if frame[name].dtype == object else "number")
        for name in frame.columns
        if name not in keys
    )


def plain(name: str, frame: pd.DataFrame, about: str) -> Table:
    """A table of its own, in time where it has an `event_timestamp`."""
    meta = Meta(name=name, features=features_of(frame), timed=TIME in frame,
                moments=False, about=about)  # fmt: skip
    return Table(meta=meta, frame=frame)


def telco_ibm(data: Path) -> Table:
    frame = pd.read_csv(data / "telco_ibm" / "Telco-Customer-Churn.csv").drop(columns="customerID")
    frame["TotalCharges"] = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    frame[LABEL] = frame.pop("Churn") == "Yes"
    return plain("telco_ibm", frame, "IBM's made-up customers; a random quarter held out")


def iranian_churn(data: Path) -> Table:
    frame = pd.read_csv(data / "iranian_churn" / "Customer_Churn.csv")
    frame.columns = frame.columns.str.split().str.join("_")
    frame = frame.drop_duplicates(ignore_index=True)
    frame[LABEL] = frame.pop("Churn") == 1
    about = "a real operator; 300 duplicate rows left out, a random quarter held out"
    return plain("iranian_churn", frame, about)


def hotel_bookings(data: Path) -> Table:
    """Cancellations, judged on arrivals of 2017 by those of 2015 and 2016."""
    frame = pd.read_parquet(data / "hotel_bookings" / "hotel_bookings.parquet")
    # twins on both sides of a fold teach a search to remember: left out for everybody
    frame = frame.drop_duplicates(ignore_index=True).drop(columns=list(HOTEL_LEAKS))
    day = frame[["arrival_date_year", "arrival_date_month", "arrival_date_day_of_month"]]
    frame[TIME] = pd.to_datetime(day.astype(str).agg(" ".join, axis=1), format="%Y %B %d", utc=True)
    frame[LABEL] = frame.pop("is_canceled") == 1
    frame["held_out"] = frame[TIME] >= pd.Timestamp(HOTEL_TEST_FROM, tz="UTC")
    frame = frame.sort_values(TIME, kind="stable", ignore_index=True)
    about = "31,994 duplicate rows and four leaking columns left out; arrivals of 2017 held out"
    return plain("hotel_bookings", frame, about)


def through_onramp(name: str, source: Path, scratch: Path) -> Table:
    """The churn training set that Onramp itself makes of a shipped data set."""
    from ingestion import ingest  # noqa: PLC0415  seconds of imports, for the first run alone
    from onramp.refresh import refresh  # noqa: PLC0415  the same
    from tasks import supported  # noqa: PLC0415  the same
    from training.dataset import assemble  # noqa: PLC0415  the same

    home: Home = open_home(scratch / "homes" / name)
    ingest(home, ROOT / "datasets" / f"{name}.toml", source)
    as_of = refresh(home, online=False).as_of
    task = supported(home.dataset())["churn"]
    found = assemble(home, task, as_of)
    parts = split(found.frame)
    frame = found.frame.assign(held_out=False)
    frame.loc[parts.test, "held_out"] = True
    # rows whose label was not known when the test began are in neither part
    kept = np.sort(np.concatenate([parts.train, parts.calibrate, parts.test]))
    meta = Meta(
        name=name,
        features=found.features,
        timed=True,
        moments=True,
        about=f"Onramp's own training set: nothing done in the {task.horizon_days} days after a "
        "moment; the newest customers held out",
    )
    return Table(meta=meta, frame=frame.iloc[kept].reset_index(drop=True))


def oulad(data: Path, scratch: Path) -> Table:
    return through_onramp("oulad", data / "oulad_lite", scratch)


def online_retail(data: Path, scratch: Path) -> Table:
    return through_onramp("online_retail", data / "online_retail_daily" / "by-day", scratch)


def made_up(data: Path, scratch: Path) -> Table:  # noqa: ARG001  the signature of all
    return plain("synthetic_200k", synthetic(), "made by a seeded generator, 5 % positives")


SETS: Mapping[str, Callable[[Path, Path], Table]] = {
    "telco_ibm": lambda data, _: telco_ibm(data),
    "iranian_churn": lambda data, _: iranian_churn(data),
    "hotel_bookings": lambda data, _: hotel_bookings(data),
    "oulad": oulad,
    "online_retail": online_retail,
    "synthetic_200k": made_up,
}


def table(name: str, scratch: Path, data: Path = DATA) -> Table:
    """The table of that name, made at its first use."""
    folder = scratch / "sets"
    rows, facts = folder / f"{name}.parquet", folder / f"{name}.json"
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = SETS[name](data, scratch)
        made.frame.to_parquet(rows, index=False)
        write_whole(facts, json.dumps(asdict(made.meta), indent=1))
    found = json.loads(facts.read_text(encoding="utf-8"))
    found["features"] = tuple((name, kind) for name, kind in found["features"])
    return Table(meta=Meta(**found), frame=pd.read_parquet(rows))


def cut(one: Table, seed: int) -> Cut:
    """Training rows and held-out rows of a seed."""
    frame = one.frame
    held = (
        frame["held_out"].to_numpy()
        if "held_out" in frame
        else drawn(frame[LABEL].to_numpy(), seed)
    )
    whose = frame[ENTITY] if ENTITY in frame else pd.Series(frame.index.astype(str))
    keys = [name for name in COLUMNS if name in frame]
    return Cut(
        meta=one.meta,
        train=frame.loc[~held, [*keys, *one.meta.names]].reset_index(drop=True),
        test=frame.loc[held, one.meta.names].reset_index(drop=True),
        labels=frame.loc[held, LABEL].to_numpy(dtype=bool),
        entities=whose[held].reset_index(drop=True),
    )


def drawn(
    labels: np.ndarray[Any, np.dtype[np.bool_]], seed: int
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A random quarter of each class."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for one in (False, True):
        places = rng.permutation(np.flatnonzero(labels == one))
        held[places[: round(len(places) * HELD_OUT)]] = True
    return held
