"""Readers of built parts are bounded, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

from features.bounded import bounded_db


def test_what_does_not_fit_goes_below_the_home(tmp_path: Path) -> None:
    """An apostrophe in the home's name is no end of it; when the reader closes, nothing is left."""
    features = tmp_path / "it's home" / "features"
    features.mkdir(parents=True)
    with bounded_db(features / "view" / "definition") as db:
        [(limit, zone)] = db.execute(
            "SELECT current_setting('memory_limit'), current_setting('TimeZone')"
        ).fetchall()
        assert (limit, zone) == ("2.0 GiB", "UTC")
        db.execute("SET memory_limit = '50MB'; SET threads = 1")
        db.execute("CREATE TEMP TABLE many AS SELECT md5(i::VARCHAR) AS m FROM range(3000000) t(i)")
        (spill,) = features.iterdir()
        assert spill.name.startswith("spill-")
        assert any(spill.iterdir())
    assert list(features.iterdir()) == []
