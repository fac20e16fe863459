"""The benchmark of monitoring finds what it planted, and says how its numbers compare."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import Taken
from benchmarks.monitoring import Line, count_reference, make, ours, page


def test_ours_names_what_moved(tmp_path: Path) -> None:
    """Two of ten columns moved; the window lies in more than one file."""
    make(tmp_path / "reference", 5_000, 10, moved=False, seed=1)
    for part in range(2):
        make(tmp_path / "current" / f"{part}", 1_000, 10, moved=True, seed=2 + part)
        (tmp_path / "current" / f"{part}" / "0000.parquet").rename(
            tmp_path / "current" / f"{part}.parquet"
        )
    count_reference(tmp_path)
    assert ours(tmp_path)["drifted"] == ["f0", "f1"]


def test_the_page_holds_each_against_ours_of_its_size() -> None:
    """Ratios are of CPU seconds after the imports."""

    def line(who: str, rows: int, work: float) -> Line:
        said = {"cpu": work, "drifted": ["f0", "f1"]}
        return Line(
            who=who, rows=rows, taken=Taken(seconds=9.0, cpu=work + 1, peak_mib=99, said=said)
        )

    found = [line("ours", 1_000, 0.5), line("ours", 9_000, 2.0), line("pinned", 9_000, 84.0)]
    assert "| 9,000 | 9.0 | 85.0 | 84.00 | 99 | 42.0 |" in page(found, 50)
    assert "named f0, f1 in every window" in page(found, 50)
