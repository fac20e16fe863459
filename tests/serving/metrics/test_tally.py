"""serving.metrics.tally: counts are in memory, and touch no file whatever Feast has set."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from serving.metrics.tally import Level, Tally
from tests.serving.metrics.reading import Read, read


def shown(*instruments: Tally | Level) -> Read:
    registry = CollectorRegistry()
    for instrument in instruments:
        registry.register(instrument)
    return read(generate_latest(registry).decode())


def test_counts_are_added_up_by_label() -> None:
    """Also from several threads at once; what is known beforehand is there with 0."""
    tally = Tally("asked", "Asked.", ("task",), known=(("churn",), ("preference",)))
    threads = [
        threading.Thread(target=lambda: [tally.add(("churn",), 2) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = shown(tally)
    assert found.value("asked_total", task="churn") == 4_000
    assert found.value("asked_total", task="preference") == 0


def test_levels_go_up_and_down() -> None:
    """And start at nothing."""
    level = Level("open", "Open.")
    assert shown(level).value("open") == 0
    level.value += 2
    level.value -= 1
    assert shown(level).value("open") == 1


def test_no_file_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Feast names a folder for metrics of several processes; two tallies of a name stay apart."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for _ in range(2):
        tally = Tally("asked", "Asked.", ("task",))
        tally.add(("churn",))
        assert shown(tally).value("asked_total", task="churn") == 1
    assert list(tmp_path.iterdir()) == []
