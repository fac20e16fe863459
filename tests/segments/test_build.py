"""Segments are functions of the feature row of the same moment, built once, part by part."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.audit import set_aside
from features.build import build
from features.tables import Table
from lifecycle.errors import NotReady
from lifecycle.home import Home
from segments.build import SegmentReport, build_segments, new_part
from segments.rows import read_part
from segments.table import evaluate, segment_table, stored
from tests.features.canonical import AS_OF, DAYS, alive, customer, days, fill, settle

KEYS = ["customer_id", "event_timestamp"]

RULES = """
[segments.grown]
rule = "age >= 40"
[segments.away]
rule = "last_login older than 7 days"
[lifecycle.new]
rule = "signed_up within 7 days"
[lifecycle.old]
rule = "otherwise"
"""


def rows_of(table: Table) -> list[dict[str, object]]:
    """All rows of a table, by customer and moment."""
    whole = pa.concat_tables([pq.read_table(part) for part in table.parts()])
    found: list[dict[str, object]] = whole.sort_by([(key, "ascending") for key in KEYS]).to_pylist()
    return found


def test_every_built_moment_has_its_segments(told: tuple[Home, SegmentReport]) -> None:
    """One row a moment, with the keys of the features, a marker, and one stage for everybody."""
    home, report = told
    segments = segment_table(home)
    rows = rows_of(segments.table)
    features = rows_of(segments.sources[0])
    assert [[row[key] for key in KEYS] for row in rows] == [
        [row[key] for key in KEYS] for row in features
    ]
    assert report.built == len(rows)
    assert report.waiting == 0
    stages = {one.name for one in segments.plan.lifecycle}
    for row in rows:
        assert row["created_at"] == row["event_timestamp"]
        moment = row["event_timestamp"]
        assert row[segments.table.marker] == round(moment.timestamp() * 1e6)  # type: ignore[attr-defined]
        assert row["lifecycle_stage"] in stages
        assert {row[name] for name in row if name.startswith("segment_")} <= {0.0, 1.0}
        assert {row[f"rfm_{role}"] for role in ("recency", "frequency", "monetary")} <= set(
            map(float, range(1, 6))
        )
    assert len({row["lifecycle_stage"] for row in rows}) >= 4


def test_one_customer_and_a_batch_are_the_same(told: tuple[Home, SegmentReport]) -> None:
    """A row computed alone is the row that the batch stored: no row knows of any other."""
    home, _ = told
    segments = segment_table(home)
    known = {feature.name for table in segments.sources for feature in table.features}
    assert set(segments.inputs) <= known
    part = segments.sources[0].parts()[0]
    rows, waiting = read_part(segments.sources, segments.inputs, part)
    assert waiting == 0
    whole = pq.read_table(segments.table.folder / part.name)
    for n in range(0, rows.num_rows, 31):
        assert evaluate(segments, rows.slice(n, 1)).equals(whole.slice(n, 1))


def test_a_row_is_a_function_of_its_own_features(told: tuple[Home, SegmentReport]) -> None:
    """The rules that ship, told again in plain Python from the stored features."""
    home, _ = told
    segments = segment_table(home)
    features = rows_of(segments.sources[0])
    tenure = [row["days_since_sign_up"] for row in rows_of(segments.sources[1])]
    for one, row, age in zip(rows_of(segments.table), features, tenure, strict=True):
        login, active = row["days_since_last_login"], row["days_since_last_activity"]
        assert one["segment_dormant"] == float(login is not None and login > 30)  # type: ignore[operator]
        assert one["segment_active_and_engaged"] == float(
            row["sessions_7d"] > 3 or row["engagement_score_7d"] > 80  # type: ignore[operator]
        )
        stage = (
            "new" if age <= 7  # type: ignore[operator]
            else "loyal" if within(active, 7) and row["active_days_30d"] >= 8  # type: ignore[operator]
            else "active" if within(active, 14)
            else "dormant" if within(active, 30) or within(age, 30)
            else "churned"
        )  # fmt: skip
        assert one["lifecycle_stage"] == stage


def within(value: object, limit: float) -> bool:
    return isinstance(value, float) and value <= limit


def test_only_what_is_new_is_computed(home: Home) -> None:
    """A second build finds nothing; a new moment costs its own part and touches no other."""
    first = build_segments(home, as_of=AS_OF)
    table = segment_table(home).table
    before = {part: part.stat().st_mtime_ns for part in table.parts()}
    assert build_segments(home, as_of=AS_OF).built == 0
    fill(home, [], [alive(AS_OF + days(1))])
    report = build(home, moments_days=DAYS, as_of=AS_OF + days(1))
    second = build_segments(home, as_of=AS_OF + days(1))
    assert second.built == report.views[0].built > 0
    assert second.edges == first.edges == 1
    assert {part: part.stat().st_mtime_ns for part in table.parts() if part in before} == before
    assert len(table.parts()) == len(before) + second.parts


def test_after_a_kill_the_next_build_goes_on(home: Home) -> None:
    """A part that was not written is written next time, the same to the bit."""
    build_segments(home, as_of=AS_OF)
    segments = segment_table(home)
    whole = rows_of(segments.table)
    lost = segments.table.parts()[0]
    lost.rename(lost.with_suffix(".unfinished"))
    assert build_segments(home, as_of=AS_OF).parts == 1
    assert rows_of(segments.table) == whole


def test_a_moment_waits_for_its_profile(home: Home) -> None:
    """Features that were killed between their two tables: no row is made up, none is lost."""
    segments = segment_table(home)
    profile = segments.sources[1].parts()[0]
    hidden = profile.with_suffix(".hidden")
    profile.rename(hidden)
    asked = pq.read_metadata(segments.sources[0].parts()[0]).num_rows
    report = build_segments(home, as_of=AS_OF)
    assert (report.built, report.waiting) == (0, asked)
    assert f"{asked:,} wait for their profile" in report.lines()[0]
    # The next build of features may cut its parts otherwise.
    rows = pq.read_table(hidden)
    for n, part in enumerate((rows.slice(0, 5), rows.slice(5))):
        pq.write_table(part, profile.with_name(f"cut-otherwise-{n}.parquet"))
    report = build_segments(home, as_of=AS_OF)
    assert (report.built, report.waiting) == (asked, 0)


def test_a_quarantined_profile_is_not_waited_for(tmp_path: Path) -> None:
    """A moment without a sound profile has no segments; the others of its part do."""
    home = settle(tmp_path / "home")
    people = [customer(f"c{n}", AS_OF - days(2), age=20.0 + n) for n in range(9)]
    fill(home, [*people, customer("old", AS_OF - days(2), age=200.0)], [alive(AS_OF)])
    build(home, moments_days=(1,), as_of=AS_OF)
    report = build_segments(home, as_of=AS_OF)
    assert report.waiting == 0
    told = {row["customer_id"] for row in rows_of(segment_table(home).table)}
    assert told == {f"c{n}" for n in range(9)}
    assert build_segments(home, as_of=AS_OF).parts == 0


def broken_home(root: Path) -> Home:
    """Ten built customers of whom one is too old by bounds that came later."""
    home = settle(root)
    people = [customer(f"c{n}", AS_OF - days(2), age=20.0 + n) for n in range(9)]
    fill(home, [*people, customer("old", AS_OF - days(2), age=119.0)], [alive(AS_OF)])
    build(home, moments_days=(1,), as_of=AS_OF)
    build_segments(home, as_of=AS_OF)
    text = home.dataset_file.read_text(encoding="utf-8")
    home.dataset_file.write_text(text.replace("at_most = 120", "at_most = 100"), encoding="utf-8")
    return home


def test_what_was_told_of_a_row_that_was_set_aside_is_told_anew(tmp_path: Path) -> None:
    """The moment has no segments any more, the other moments of its part keep theirs."""
    home = broken_home(tmp_path / "home")
    segments = segment_table(home)
    before = rows_of(segments.table)
    assert "old" in {row["customer_id"] for row in before}
    profile = segments.sources[1]
    (part, *_) = profile.parts()
    whole = part.read_bytes()
    for one in profile.parts():
        set_aside(one, profile)
    report = build_segments(home, as_of=AS_OF)
    assert (report.parts, report.waiting) == (len(segments.table.parts()), 0)
    assert rows_of(segments.table) == [row for row in before if row["customer_id"] != "old"]
    assert build_segments(home, as_of=AS_OF).parts == 0
    part.write_bytes(whole)  # as if killed before the rows left: they are in both places
    _, waiting = read_part(segments.sources, segments.inputs, segments.sources[0].parts()[0])
    assert waiting == 0


def test_a_key_in_two_places_hides_none_that_waits(tmp_path: Path) -> None:
    """Moments are counted, not rows: one in a part and in quarantine does not stand for another."""
    home = broken_home(tmp_path / "home")
    segments = segment_table(home)
    behaviour, profile = segments.sources
    (part, *_) = profile.parts()
    rows = pq.ParquetFile(part).read()
    set_aside(part, profile)
    pq.write_table(rows.filter(pc.not_equal(rows["customer_id"], "c3")), part)
    asked = pq.ParquetFile(behaviour.folder / part.name).read(columns=KEYS)
    alone = asked["customer_id"].to_pylist().count("c3")
    _, waiting = read_part(segments.sources, segments.inputs, behaviour.folder / part.name)
    assert waiting == alone > 0


def test_a_row_out_of_bounds_is_safe_before_the_others_are_written(home: Home) -> None:
    """It lies in quarantine with its reason and is counted; no row is lost."""
    segments = segment_table(home)
    part = segments.sources[0].parts()[0]
    told, _ = read_part(segments.sources, segments.inputs, part)
    rows = evaluate(segments, told)
    name, bad = next(
        (one.name, int(bad))
        for one in segments.table.features
        if one.type == "number"
        if 0 < (bad := pc.sum(pc.greater(rows[one.name], 0.0)).as_py()) <= rows.num_rows // 2
    )
    strict = tuple(
        replace(one, at_most=0.0) if one.name == name else one for one in segments.table.features
    )
    done = new_part(replace(segments, table=replace(segments.table, features=strict)), part)
    assert (done.built, done.quarantined) == (rows.num_rows - bad, bad)
    (aside,) = segments.table.rejected()
    assert pq.ParquetFile(aside).read()["reason"].to_pylist() == [f"{name} above 0; "] * bad
    assert pq.ParquetFile(segments.table.folder / part.name).metadata.num_rows == done.built


def test_another_rule_is_another_table(home: Home) -> None:
    """Changed rules are computed for every moment, beside the rows that somebody may read."""
    build_segments(home, as_of=AS_OF)
    before = segment_table(home).table
    home.segments_file.write_text(RULES, encoding="utf-8")
    assert stored(home) == ()
    report = build_segments(home, as_of=AS_OF)
    after = segment_table(home).table
    assert report.built == len(rows_of(before))
    assert before.folder != after.folder
    assert stored(home) == (after,)
    assert [feature.name for feature in after.features] == [
        "segment_grown", "segment_away", "lifecycle_stage",
    ]  # fmt: skip
    home.segments_file.write_text(RULES.replace("40", "41"), encoding="utf-8")
    assert segment_table(home).table.folder not in {before.folder, after.folder}
    home.segments_file.write_text(RULES.replace("40", "forty"), encoding="utf-8")
    assert stored(home) == (), "who tells Feast is not stopped by a slip in a rule"


def test_wording_changes_nothing(home: Home) -> None:
    """A label or a description is no other definition."""
    home.segments_file.write_text(RULES, encoding="utf-8")
    before = segment_table(home).table.folder
    worded = RULES.replace("[segments.away]", '[segments.away]\nlabel = "Gone"')
    home.segments_file.write_text(worded, encoding="utf-8")
    assert segment_table(home).table.folder == before


def test_edges_are_fitted_once_and_again_on_request(home: Home) -> None:
    """Later builds keep the first edges; --refit makes a new version and every row anew."""
    assert build_segments(home, as_of=AS_OF).edges == 1
    before = segment_table(home)
    fill(home, [customer(f"new{n}", AS_OF) for n in range(30)], [alive(AS_OF + days(1))])
    build(home, moments_days=DAYS, as_of=AS_OF + days(1))
    assert build_segments(home, as_of=AS_OF + days(1)).edges == 1
    report = build_segments(home, as_of=AS_OF + days(1), refit=True)
    after = segment_table(home)
    assert report.edges == 2
    assert before.edges != after.edges
    assert before.table.folder != after.table.folder
    assert report.built == len(rows_of(before.table))


def test_edges_know_the_customers_of_their_time(told: tuple[Home, SegmentReport]) -> None:
    """Each customer once, with the newest row that still answers at the time of the fit."""
    home, _ = told
    segments = segment_table(home)
    assert segments.edges is not None
    rows = pa.concat_tables([pq.read_table(part) for part in segments.table.parts()])
    moment = rows["event_timestamp"]
    answering = rows.filter(
        pc.and_(
            pc.less_equal(moment, pa.scalar(AS_OF)),
            pc.greater_equal(moment, pa.scalar(AS_OF - timedelta(days=3))),
        )
    )
    assert segments.edges.customers == len(set(answering["customer_id"].to_pylist()))


def test_without_features_there_are_no_segments(tmp_path: Path) -> None:
    """An empty home says what to run first."""
    with pytest.raises(NotReady, match=r"nothing to tell segments from.*`onramp features`"):
        build_segments(settle(tmp_path / "home"))
