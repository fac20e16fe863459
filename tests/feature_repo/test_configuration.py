"""The home's feature_store.yaml is written of a template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from feature_repo.configuration import template, write_config
from lifecycle.home import open_home


def test_a_reader_of_the_old_configuration_reads_all_of_it(tmp_path: Path) -> None:
    """The new one takes its place by rename, and leaves nothing else behind."""
    home = open_home(tmp_path / "home")
    path = write_config(home)
    before = path.read_text(encoding="utf-8")
    changed = tmp_path / "stores.yaml"
    changed.write_text(template(home).read_text(encoding="utf-8").replace("onramp", "o"))
    with path.open(encoding="utf-8") as old:
        assert write_config(replace(home, stores=changed)) == path
        assert old.read() == before
    assert path.read_text(encoding="utf-8") != before
    assert list(path.parent.iterdir()) == [path]
