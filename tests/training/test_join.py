"""Joining starts from this machine's own data, and says when there is nothing to join."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from lifecycle.errors import NotReady
from lifecycle.home import open_home
from lifecycle.progress import Advance, Progress
from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget, build
from training.join import join_on


def test_a_search_that_nobody_began_cannot_be_joined(tmp_path: Path) -> None:
    """The error says what a search's name holds, and nothing is made in the home's studies."""
    home = open_home(tmp_path / "home")
    with pytest.raises(NotReady, match=r"No search churn-.*--as-of, --seed, code and libraries"):
        join_on(home, CHURN, make_set(make_frame(150)), Budget(seed=5))
    assert not home.studies.exists()


PATIENCE_SECONDS = 600.0  # on busy cores


def telling(begun: Event, awaited: Event | None = None) -> Progress:
    """Say that a first trial is done; then wait for the other side's, where one is awaited."""

    @contextmanager
    def progress(label: str, total: int | None) -> Iterator[Advance]:  # noqa: ARG001  a Progress
        def advance(n: int, note: str = "") -> None:  # noqa: ARG001  an Advance
            begun.set()
            if awaited is not None:
                awaited.wait(PATIENCE_SECONDS)

        yield advance

    return progress


# `catch_warnings` is not made for two threads: one may undo what hides the warning for the other
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_search_is_joined_by_ones_own_data(tmp_path: Path) -> None:
    """Task, rows and seed alone lead to the study of a training; its files stay what they are."""
    data, storage = make_set(make_frame(200)), f"sqlite:///{tmp_path / 'search.db'}"
    led, lent = Event(), Event()
    for name in ("joined", "alone"):
        (tmp_path / name).mkdir()
    with ThreadPoolExecutor(max_workers=1) as pool:
        leader = pool.submit(
            build, CHURN, data, Budget(trials=12, storage=storage, report=False),
            tmp_path / "joined", tmp_path / "studies", telling(led, lent),
        )  # fmt: skip
        try:
            assert led.wait(PATIENCE_SECONDS)
            helper = open_home(tmp_path / "helper")
            report = join_on(helper, CHURN, data, Budget(storage=storage), telling(lent))
        finally:
            lent.set()
        leader.result()
    assert report.trials > 0
    assert report.lines()[0].startswith(f"churn: lent {report.trials} trials")
    effort = Budget(trials=12, report=False)
    build(CHURN, data, effort, tmp_path / "alone", tmp_path / "apart")
    joined, alone = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("joined", "alone")
    )
    assert joined == alone
