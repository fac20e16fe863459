from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.audit import same_moments, set_aside, view_findings
from features.build import BuildReport, build
from features.findings import Finding
from features.record import one_build
from features.tables import Table, tables
from lifecycle.home import Home, open_home
from tests.features.canonical import AS_OF, DAYS


@pytest.fixture
def copy(built: tuple[Home, BuildReport], tmp_path: Path) -> Home:
    """A built home that a test may change."""
    shutil.copytree(built[0].root, tmp_path / "copy")
    return open_home(tmp_path / "copy")


def tighten(home: Home, at_most: int) -> Table:
    """Nobody is older than this from now on; returns the view of profiles."""
    text = home.dataset_file.read_text(encoding="utf-8")
    home.dataset_file.write_text(
        text.replace("at_most = 120", f"at_most = {at_most}"), encoding="utf-8"
    )
    return tables(home, home.dataset())[1]


def rows_of(parts: Iterable[Path]) -> list[tuple[str, datetime]]:
    keys = ["customer_id", "event_timestamp"]
    return sorted(
        (row["customer_id"], row["event_timestamp"])
        for part in parts
        for row in pq.ParquetFile(part).read(columns=keys).to_pylist()
    )


def findings(home: Home, table: Table, as_of: datetime = AS_OF) -> Sequence[Finding]:
    return tuple(view_findings(home, table, as_of))


def verdicts(found: Sequence[Finding]) -> list[str]:
    return [finding.verdict for finding in found]


def test_what_a_build_wrote_passes(built: tuple[Home, BuildReport]) -> None:
    """Types, bounds, keys and freshness hold right after a build, and the views agree."""
    home, _ = built
    views = tables(home, home.dataset())
    for table in views:
        assert verdicts(findings(home, table)) == ["passed"] * 3
    assert verdicts(tuple(same_moments(views))) == ["passed"] * 2


def test_rows_that_break_a_stricter_bound_go_to_quarantine(copy: Home) -> None:
    """No row is lost, each has its reason, and the next check passes."""
    table = tighten(copy, 70)
    before = rows_of(table.parts())
    found = findings(copy, table)[0]
    assert (found.verdict, found.rows) == ("quarantined", len(before))
    assert found.found.startswith("profile_age above 70 (")
    assert "run `onramp features`, which makes segments and the stores follow" in found.do
    assert len(rows_of(table.rejected())) == found.broken > 0
    assert sorted(rows_of(table.parts()) + rows_of(table.rejected())) == before
    reasons = pa.concat_tables([pq.ParquetFile(p).read() for p in table.rejected()])["reason"]
    assert set(reasons.to_pylist()) == {"profile_age above 70; "}
    assert verdicts(findings(copy, table)) == ["passed"] * 3
    assert build(copy, moments_days=DAYS, as_of=AS_OF).built == 0


def test_a_move_that_is_killed_and_repeated_loses_and_doubles_nothing(copy: Home) -> None:
    """Rows are safe in quarantine before they leave; doing it again writes the same file."""
    table = tighten(copy, 70)
    before = rows_of(table.parts())
    part = table.parts()[0]
    whole = part.read_bytes()
    set_aside(part, table)
    part.write_bytes(whole)  # as if killed between the two writes
    findings(copy, table)
    assert sorted(rows_of(table.parts()) + rows_of(table.rejected())) == before


def test_where_most_rows_break_none_is_moved(copy: Home) -> None:
    """That is a wrong bound and no bad rows."""
    table = tighten(copy, 1)
    before = rows_of(table.parts())
    found = findings(copy, table)[0]
    assert found.verdict == "failed"
    assert "Most rows break them, so none was moved" in found.do
    assert rows_of(table.parts()) == before


def test_nothing_is_moved_while_a_build_goes_on(copy: Home) -> None:
    """Who writes parts takes turns: the check waits until the build has ended."""
    table = tighten(copy, 70)
    with ThreadPoolExecutor(1) as pool:
        with one_build(copy):
            asked = pool.submit(findings, copy, table)
            time.sleep(0.5)
            assert not asked.done()
            assert table.rejected() == ()
        assert asked.result()[0].verdict == "quarantined"


def test_another_type_fails(copy: Home) -> None:
    """A part that is not what the definitions say is named."""
    table = tables(copy, copy.dataset())[1]
    part = table.parts()[0]
    rows = pq.ParquetFile(part).read()
    pq.write_table(rows.set_column(3, table.features[0].name, pa.array([1] * len(rows))), part)
    found = findings(copy, table)[0]
    assert found.verdict == "failed"
    assert f"{part.name}: Missing: days_since_sign_up double." in found.found


def test_an_empty_part_of_another_type_fails(copy: Home) -> None:
    """No row of it breaks anything, and still nobody can read it beside the others."""
    table = tables(copy, copy.dataset())[1]
    part = table.parts()[0]
    rows = pq.ParquetFile(part).read().slice(0, 0)
    empty = rows.set_column(3, table.features[0].name, pa.array([], pa.int64()))
    pq.write_table(empty, part.with_name("0.parquet"))
    found = findings(copy, table)[0]
    assert (found.verdict, found.broken) == ("failed", 1)
    assert "0.parquet: Missing: days_since_sign_up double." in found.found


def test_a_doubled_moment_fails(copy: Home) -> None:
    """A part that lies there twice doubles every moment in it."""
    table = tables(copy, copy.dataset())[1]
    part = table.parts()[0]
    shutil.copyfile(part, part.with_name("again.parquet"))
    found = findings(copy, table)[1]
    assert (found.verdict, found.broken) == ("failed", pq.ParquetFile(part).metadata.num_rows)


def test_moments_that_one_view_lacks_are_found(copy: Home) -> None:
    """A view that lost a part does not have every moment of the other."""
    views = tables(copy, copy.dataset())
    part = views[1].parts()[0]
    pq.write_table(pq.ParquetFile(part).read().slice(1), part)
    found = [one for one in same_moments(views) if one.verdict != "passed"]
    assert [(one.stage, one.broken) for one in found] == [("customer_profile", 1)]
    assert found[0].check == "has every moment of customer_behaviour"


def test_old_features_are_stale(copy: Home) -> None:
    """When nothing was built within the time to live, every customer is unknown."""
    table = tables(copy, copy.dataset())[0]
    late = findings(copy, table, AS_OF + timedelta(days=4))
    assert [one.verdict for one in late] == ["passed", "passed", "failed"]
    assert late[2].do == "Run `onramp features`."


def test_what_is_not_built_is_no_pass(home: Home) -> None:
    """Could not tell is an outcome of its own."""
    (found,) = findings(home, tables(home, home.dataset())[0])
    assert (found.verdict, found.do) == ("unknown", "Run `onramp features`.")
