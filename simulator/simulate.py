"""Simulate an onboarding event log and write it as a pipe would deliver it: one file a day."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lifecycle.errors import DataError, UsageError
from lifecycle.progress import Progress, silent
from lifecycle.whole import write_whole
from simulator import tables, world
from simulator.behaviour import behave
from simulator.cohort import DAY_SECONDS, Cohort, sign_up
from simulator.delivery import PLANTED, Delivered, break_pipe, deliver, join
from simulator.drift import Changes, Drift, changes

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 270


@dataclass(frozen=True, kw_only=True)
class SimulationReport:
    """What was simulated.

    Attributes:
        days: first to last, of `out/events/<day>.parquet`.
        customers: who signed up within the days.
        events: rows in the daily drops, with all that is planted in them.
        planted: rows by what is wrong with them; `late` ones are sound but for their delay.
        left: share of those customers who left for good within the days.
        files_written, files_unchanged: a file that was there with equal bytes is not touched.
    """

    out: Path
    days: tuple[date, date]
    customers: int
    events: int
    planted: dict[str, int]
    left: float
    files_written: int
    files_unchanged: int
    seconds: float

    def lines(self) -> list[str]:
        """What a person reads."""
        first, last = self.days
        planted = ", ".join(f"{name} {rows:,}" for name, rows in self.planted.items())
        return [
            (
                f"{self.customers:,} customers and {self.events:,} events, {first} to {last}, "
                f"in {self.seconds:.1f} s"
            ),
            f"{self.left:.0%} of the customers left for good",
            f"planted: {planted}",
            f"{self.files_written} files written, {self.files_unchanged} were there: {self.out}",
        ]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What determines every row."""

    customers: int
    seed: int
    start: date
    days: int
    more_days: int
    changed: Changes

    @property
    def last(self) -> int:
        """Days that are delivered."""
        return self.days + self.more_days

    def identity(self) -> dict[str, Any]:
        """What two simulations must share to write into one folder."""
        return {
            "customers": self.customers,
            "seed": self.seed,
            "start": self.start.isoformat(),
            "days": self.days,
        }


def simulate(  # noqa: PLR0913  each argument is a flag of `onramp simulate`
    out: Path,
    *,
    customers: int,
    seed: int,
    start: datetime = START,
    days: int = DAYS,
    more_days: int = 0,
    drift: tuple[Drift, ...] = (),
    progress: Progress = silent,
) -> SimulationReport:
    """Write `out/events`, `out/customers` (one Parquet file a day) and `out/truth`.

    The same arguments give the same bytes. Simulating again into the same folder with
    `more_days`, and with a drift that begins after the days already there, leaves those days'
    files as they are and adds the new ones.

    Args:
        out: the folder to write into.
        customers: how many sign up within `days`; as many a day afterwards.
        seed: of every random number.
        start: first day (UTC).
        days: length of the history.
        more_days: how many days to go on after the history.
        drift: what changes, and when.
        progress: shows the days drawn and written.

    Raises:
        UsageError: a number that makes no sense.
        DataError: the folder holds another simulation.
    """
    begun = time.monotonic()
    if customers < 1 or days < 1 or more_days < 0 or seed < 0:
        raise UsageError(
            "Nothing to simulate.",
            found=f"customers={customers}, days={days}, more_days={more_days}, seed={seed}.",
            do="Give at least one customer and one day, and a seed that is not negative.",
        )
    first = start.astimezone(UTC).date() if start.tzinfo else start.date()
    plan = Plan(
        customers=customers,
        seed=seed,
        start=first,
        days=days,
        more_days=more_days,
        changed=changes(drift, first),
    )
    refuse_another(out, plan)
    cohorts, rows = draw(plan, progress)
    folder = Folder(out)
    signed_up = write_customers(folder, plan, cohorts)
    events = write_events(folder, plan, rows, progress)
    write_truth(folder, plan, cohorts, rows)
    note = {**plan.identity(), "more_days": more_days, "drift": asdict(plan.changed)["spells"]}
    folder.put(Path("truth/simulation.json"), json.dumps(note, indent=2).encode(), replace=True)
    return SimulationReport(
        out=out,
        days=(first, first + timedelta(days=plan.last - 1)),
        customers=signed_up,
        events=events,
        planted={
            name: int((rows.planted == index).sum()) for index, name in enumerate(PLANTED) if name
        },
        left=float(np.mean(np.concatenate([c.leaves + c.day < plan.last for c in cohorts]))),
        files_written=folder.written,
        files_unchanged=folder.unchanged,
        seconds=time.monotonic() - begun,
    )


def refuse_another(out: Path, plan: Plan) -> None:
    """Keep two simulations out of one folder.

    Raises:
        DataError: the folder holds one with other customers, seed, start or days.
    """
    path = out / "truth" / "simulation.json"
    if not path.exists():
        return
    there = {key: json.loads(path.read_text())[key] for key in plan.identity()}
    if there != plan.identity():
        raise DataError(
            f"{out} holds another simulation.",
            found=f"There: {there}; asked for: {plan.identity()}.",
            do="Name another folder, or ask for the same one with more days.",
        )


def sign_ups(plan: Plan) -> Iterator[tuple[int, int]]:
    """Day and number of sign-ups; the days of the history sum to `plan.customers`."""
    weekday = (plan.start.weekday() + np.arange(plan.last)) % 7
    share = np.cumsum(world.SIGN_UPS_OF_WEEKDAY[weekday])
    until = np.floor(plan.customers * share / share[plan.days - 1] + 0.5).astype(np.int64)
    return enumerate(np.diff(until, prepend=0).tolist())


def draw(plan: Plan, progress: Progress) -> tuple[list[Cohort], Delivered]:
    """Every cohort, and every row that is delivered within the days, in order of arrival."""
    cohorts, parts = [], []
    with progress("Simulating days", plan.last) as advance:
        for day, size in sign_ups(plan):
            advance(1)
            if size == 0:
                continue
            cohort = sign_up(plan.seed, day, size, plan.changed)
            weekday = (plan.start.weekday() + day) % 7
            sent = deliver(plan.seed, day, behave(plan.seed, cohort, weekday, plan.changed))
            cohorts.append(cohort)
            parts.append(sent.take(sent.received < plan.last * DAY_SECONDS))
    rows = break_pipe(join(parts), plan.changed)
    return cohorts, rows.take(np.lexsort((rows.planted, rows.number, rows.cohort, rows.received)))


@dataclass
class Folder:
    """Counts what it writes; leaves equal files alone."""

    root: Path
    written: int = 0
    unchanged: int = 0

    def put(self, name: Path, content: bytes, *, replace: bool = False) -> None:
        """Write one file whole.

        Raises:
            DataError: it is there with other bytes, and is not one to replace.
        """
        path = self.root / name
        if path.exists() and path.read_bytes() == content:
            self.unchanged += 1
            return
        if path.exists() and not replace:
            raise DataError(
                f"{path} would change.",
                found="A simulation never rewrites a day that was delivered.",
                do="Let the drift begin after the last day there, or name another folder.",
            )
        write_whole(path, content)
        self.written += 1

    def put_table(self, name: Path, table: pa.Table, *, replace: bool = False) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self.put(name, sink.getvalue().to_pybytes(), replace=replace)


def day_names(plan: Plan) -> list[str]:
    return [f"{plan.start + timedelta(days=day)}.parquet" for day in range(plan.last)]


def write_events(folder: Folder, plan: Plan, rows: Delivered, progress: Progress) -> int:
    """Write the daily drops, an empty one where nothing came; returns the rows."""
    edges = np.searchsorted(rows.received, np.arange(plan.last + 1) * DAY_SECONDS)
    table = tables.event_table(rows, plan.start)
    with progress("Writing daily drops", plan.last) as advance:
        for day, name in enumerate(day_names(plan)):
            drop = table.slice(edges[day], edges[day + 1] - edges[day])
            folder.put_table(Path("events") / name, drop)
            advance(1)
    return int(table.num_rows)


def write_customers(folder: Folder, plan: Plan, cohorts: list[Cohort]) -> int:
    """Write who signed up or changed, by day of receipt; returns how many signed up."""
    table = pa.concat_tables([tables.customer_table(plan.seed, c, plan.start) for c in cohorts])
    table = tables.blanked(table, plan.start, plan.changed)
    table = table.sort_by([("received_at", "ascending"), ("customer_id", "ascending")])
    received = table["received_at"].cast(pa.int64()).to_numpy()
    midnights = tables.times(np.arange(plan.last + 1, dtype=np.float64) * DAY_SECONDS, plan.start)
    edges = np.searchsorted(received, midnights.cast(pa.int64()).to_numpy())
    for day, name in enumerate(day_names(plan)):
        drop = table.slice(edges[day], edges[day + 1] - edges[day])
        folder.put_table(Path("customers") / name, drop)
    known = table.slice(0, edges[-1])
    return int(pc.count_distinct(known["customer_id"]).as_py())


def write_truth(folder: Folder, plan: Plan, cohorts: list[Cohort], rows: Delivered) -> None:
    """Write what the platform must never see; of the newest simulation in this folder."""
    customers = pa.concat_tables([tables.customer_truth(c, plan.start) for c in cohorts])
    folder.put_table(Path("truth/customers.parquet"), customers, replace=True)
    planted = tables.planted_table(rows, plan.start)
    folder.put_table(Path("truth/planted.parquet"), planted, replace=True)
