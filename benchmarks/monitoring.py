"""The monitor of record against Evidently: time and memory of telling whether a window drifted.

Run: python benchmarks/monitoring.py [--rows 100000,1000000,10000000] [--columns 50]
     [--preset 100000] [--pinned 100000,1000000] [--count 1000000] [--write]

Each is a process of its own. Ours reads a reference that was counted when the version was made,
counts the window's Parquet files in one pass and judges every column. Evidently reads both sides
into pandas, because it takes nothing else, and runs its preset as it ships; the drift of each
column alone, with the methods and thresholds pinned by which it says what we say; and its column
count, which says nothing of drift. `--write` makes `monitoring.md` of what was measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

if __name__ == "__main__":  # run as a file, its own folder is all that Python would look in
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Taken, measure

CHUNK = 250_000
REFERENCE_ROWS = 5_000  # as many as a version carries (`lifecycle.version_files`)
A_FIFTH = 5  # every fifth column is a category
WORDS = pa.array([f"word {n}" for n in range(8)])
PAGE = Path(__file__).with_suffix(".md")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One measurement; `drifted` is what it found, for a comparison that finds nothing is quick."""

    who: str
    rows: int
    taken: Taken

    @property
    def work(self) -> float:
        """CPU seconds after the imports."""
        return float(self.taken.said["cpu"])


def make(folder: Path, rows: int, columns: int, *, moved: bool, seed: int) -> None:
    """Write files of numbers and categories; with `moved`, two of them have drifted."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, CHUNK)):
        size = min(CHUNK, rows - start)
        rng = np.random.default_rng([seed, number])
        made: dict[str, pa.Array] = {}
        for n in range(columns):
            if n % A_FIFTH == A_FIFTH - 1:
                made[f"c{n}"] = WORDS.take(pa.array(rng.binomial(7, 0.5, size)))
            else:
                shift = 0.4 if moved and n <= 1 else 0.0
                made[f"f{n}"] = pa.array(rng.normal(shift, 1.0, size))
        pq.write_table(pa.table(made), folder / f"{number:04}.parquet")


def ours(folder: Path) -> dict[str, object]:
    """Count the window on the disk, and judge it."""
    import duckdb  # noqa: PLC0415  so that a peer's imports are its own

    from lifecycle import profile as profiles  # noqa: PLC0415
    from lifecycle.profiling import MEMORY, profile  # noqa: PLC0415
    from monitoring.drift import compare  # noqa: PLC0415

    def work() -> dict[str, object]:
        reference = profiles.read(folder / "profile.json")
        with (
            tempfile.TemporaryDirectory() as spill,
            duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill}) as db,
        ):
            files = folder / "current" / "*.parquet"
            db.execute(f"CREATE VIEW log AS FROM read_parquet('{files}')")
            window = profile(db, "log", reference.shapes)
        found = compare(reference.shapes, reference.whole(), window.whole(), effect=0.1)
        return {"drifted": sorted(d.column for d in found if d.outcome == "drifted")}

    return timed(work)


def evidently(folder: Path, who: str) -> dict[str, object]:
    """One of Evidently's reports over both sides, as frames."""
    from evidently import Report  # noqa: PLC0415
    from evidently.metrics import ColumnCount, ValueDrift  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    from monitoring import drawing  # noqa: PLC0415

    def pinned(frame: pd.DataFrame) -> list[object]:
        numbers = {"method": drawing.NUMBER_METHOD, "threshold": drawing.threshold(frame.shape[1])}
        words = {"method": drawing.CATEGORY_METHOD, "threshold": drawing.CATEGORY_DISTANCE}
        kinds = {name: words if frame[name].dtype == object else numbers for name in frame}
        return [ValueDrift(column=str(name), **kind) for name, kind in kinds.items()]

    def work() -> dict[str, object]:
        before, after = (pd.read_parquet(folder / side) for side in ("reference", "current"))
        asked = {"preset": lambda _: [DataDriftPreset()], "count": lambda _: [ColumnCount()]}
        found = Report(asked.get(who, pinned)(after)).run(after, before).dict()
        return {"drifted": drawing.drifted(found)} if who == "pinned" else {}

    return timed(work)


def timed(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """What the work says, with its wall and CPU seconds."""
    begun, used = time.perf_counter(), cpu()
    said = work()
    return {**said, "seconds": time.perf_counter() - begun, "cpu": cpu() - used}


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def count_reference(folder: Path) -> None:
    """The profile that a version carries, of a sample of the reference."""
    from lifecycle import profile as profiles  # noqa: PLC0415

    first = next(iter(sorted((folder / "reference").glob("*.parquet"))))
    sample = pd.read_parquet(first).head(REFERENCE_ROWS)
    shapes = [profiles.shape_of(str(name), sample[name]) for name in sample.columns]
    profiles.write(folder / "profile.json", profiles.profile_of(sample, shapes))


def lines(asked: argparse.Namespace, folder: Path) -> list[Line]:
    """Every measurement, each in a process of its own."""
    found = []
    for rows in asked.rows:
        place = folder / str(rows)
        # only a peer reads more of the reference than the sample
        peers = [("preset", asked.preset), ("pinned", asked.pinned), ("count", asked.count)]
        both = any(rows in sizes for _, sizes in peers)
        make(place / "reference", rows if both else REFERENCE_ROWS, asked.columns, moved=False,
             seed=1)  # fmt: skip
        make(place / "current", rows, asked.columns, moved=True, seed=2)
        count_reference(place)
        whom = ["ours", *(name for name, sizes in peers if rows in sizes)]
        for who in whom:
            taken = measure(str(Path(__file__)), "--one", who, "--folder", str(place))
            found.append(Line(who=who, rows=rows, taken=taken))
            print(row(found[-1], found), flush=True)
    return found


NAMES = {
    "ours": "ours, one pass",
    "preset": "Evidently, preset",
    "pinned": "Evidently, drift of each column, methods pinned",
    "count": "Evidently, column count",
}
TOLD = ("ours", "pinned")  # who says which columns drifted, by thresholds that are known
HEAD = (
    "| what | rows | seconds | CPU s | CPU s after imports | peak MiB | × ours, after imports |\n"
    "|---|---|---|---|---|---|---|"
)


def row(line: Line, found: Sequence[Line]) -> str:
    (mine,) = (one for one in found if one.who == "ours" and one.rows == line.rows)
    taken = line.taken
    return (
        f"| {NAMES[line.who]} | {line.rows:,} | {taken.seconds:.1f} | {taken.cpu:.1f} "
        f"| {line.work:.2f} | {taken.peak_mib:,.0f} | {line.work / mine.work:.1f} |"
    )


def page(found: Sequence[Line], columns: int) -> str:
    """The table, with what one has to know to read it."""
    drifted = sorted({", ".join(one.taken.said["drifted"]) for one in found if one.who in TOLD})
    intro = (
        f"`python benchmarks/monitoring.py --write`: {columns} columns, a fifth of them "
        "categories; two of the numbers of each window have moved by 0.4 standard deviations. "
        f"CPython {platform.python_version()}, {platform.machine()}, on a machine that other "
        "work shared: take ratios of CPU time."
    )
    outro = (
        f"Ours and Evidently's pinned methods named {' and '.join(drifted)} in every window: that "
        "report answers the same question and is the peer to hold ours against; the preset judges "
        "by other methods, the column count judges nothing. Ours reads the reference as the counts "
        "that a version carries, of 5,000 rows."
    )
    by_size = sorted(found, key=lambda line: line.rows)
    table = "\n".join([HEAD, *(row(line, found) for line in by_size)])
    return f"# Monitoring, measured\n\n{intro}\n\n{table}\n\n{outro}\n"


def sizes(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one]


def main() -> None:
    """Measure, or be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=sizes, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--preset", type=sizes, default=[100_000])
    parser.add_argument("--pinned", type=sizes, default=[100_000, 1_000_000])
    parser.add_argument("--count", type=sizes, default=[1_000_000])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", choices=tuple(NAMES))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.one:
        said = ours(asked.folder) if asked.one == "ours" else evidently(asked.folder, asked.one)
        print(json.dumps(said))
        return
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        found = lines(asked, Path(folder))
    if asked.write:
        PAGE.write_text(page(found, asked.columns), encoding="utf-8")


if __name__ == "__main__":
    main()
