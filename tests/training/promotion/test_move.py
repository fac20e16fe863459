"""A move killed anywhere is finished or undone by the next command: nothing is left in between."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, none, one_of, tuples
from mlflow.exceptions import MlflowException

from lifecycle.errors import Busy
from lifecycle.home import Home, open_home
from lifecycle.ledger import Entry, Ledger
from lifecycle.lock import held
from lifecycle.moves import Move, Moves
from lifecycle.registry import Alias, Version
from training.promotion.move import carry_out, lock, settle, unlocked

VERSIONS = (1, 2, 3)


class Killed(BaseException):
    """The process ends here: nothing after it runs, and no `except Exception` sees it."""


class Failed(Exception):
    """MLflow could not."""


class InMemory:
    """Aliases as MLflow keeps them; may die or fail before its nth change."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.left: int | None = None
        self.how: Callable[[], BaseException] = Killed

    def aliases(self, task: str) -> dict[str, int]:  # noqa: ARG002
        return dict(self.held)

    def versions(self, task: str) -> Sequence[Version]:
        return [Version(task=task, number=number, run_id="") for number in VERSIONS]

    def point(self, alias: Alias, version: Version) -> None:
        self.change()
        self.held[alias] = version.number

    def drop(self, alias: Alias, task: str) -> None:  # noqa: ARG002
        self.change()
        self.held.pop(alias, None)

    def change(self) -> None:
        if self.left == 0:
            self.left = None
            raise self.how()
        if self.left is not None:
            self.left -= 1


def begin(home: Home, registry: InMemory, to: int) -> Move:
    now = registry.held
    entry = Entry(
        actor="ada", task="churn", decision="promote", why="better", version=str(to),
        previous=str(now["champion"]) if "champion" in now else None,
    )  # fmt: skip
    move = Move(
        task="churn", champion=now.get("champion"), previous=now.get("previous"),
        challenger=now.get("challenger"), version=to, entry=entry,
    )  # fmt: skip
    return Moves(home).begin(move)


@contextmanager
def fresh() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="onramp-move-") as folder:
        yield open_home(Path(folder) / "home")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def agrees(home: Home, registry: InMemory) -> None:
    """The newest row names the champion and the one before it; nothing is open."""
    assert Moves(home).open("churn") is None
    rows = Ledger(home).read("churn")
    now = registry.held
    assert now.get("champion") == (int(rows[0].version or 0) if rows else None)
    previous = rows[0].previous if rows else None
    assert now.get("previous") == (int(previous) if previous else None)
    assert not rows or now.get("challenger") != now["champion"]
    assert Ledger(home).verify() == ()


STEPS = lists(tuples(integers(1, 3), one_of(none(), integers(0, 2))), min_size=1, max_size=6)


@settings(deadline=None, max_examples=12)
@given(STEPS)
def test_registry_and_ledger_agree_after_any_order_of_moves_and_kills(
    steps: list[tuple[int, int | None]],
) -> None:
    """Of moves to any version, each maybe killed before any of its changes, and then settled."""
    with fresh() as home:
        registry = InMemory()
        for to, kill in steps:
            if registry.held.get("champion") == to:
                continue
            if registry.held.get("champion") != 3:
                registry.held["challenger"] = 3
            rows, before = len(Ledger(home).read()), dict(registry.held)
            registry.left = kill
            try:
                carry_out(home, registry, begin(home, registry, to))
                finished = True
            except Killed:
                settled = settle(home, registry, "churn")
                assert settled is not None
                finished = settled.outcome == "finished"
            registry.left = None
            assert len(Ledger(home).read()) == rows + finished
            assert registry.held.get("champion") == (to if finished else before.get("champion"))
            assert finished or registry.held == before
            agrees(home, registry)
            assert settle(home, registry, "churn") is None


@pytest.mark.parametrize(("step", "held_after"), [
    (0, {"champion": 1, "challenger": 2}), (1, {"champion": 1, "challenger": 2}),
    (2, {"champion": 2, "previous": 1}),
])  # fmt: skip
def test_what_fails_is_put_back_or_finished_at_once(
    home: Home, step: int, held_after: dict[str, int]
) -> None:
    """Before the champion moved the error goes on and nothing has changed; after it, it is done."""
    registry = InMemory()
    registry.held = {"champion": 1, "challenger": 2}
    registry.left, registry.how = step, Failed
    begun = begin(home, registry, 2)
    if held_after["champion"] == 1:
        with pytest.raises(Failed):
            carry_out(home, registry, begun)
    else:
        assert carry_out(home, registry, begun).row == 1
    assert registry.held == held_after
    assert len(Ledger(home).read()) == held_after["champion"] - 1
    assert Moves(home).open("churn") is None


def test_an_alias_that_somebody_moved_since_is_left_alone(home: Home) -> None:
    """Killed before the champion moved; then a person set it by hand: theirs stands."""
    registry = InMemory()
    registry.held = {"champion": 1}
    registry.left = 1
    with pytest.raises(Killed):
        carry_out(home, registry, begin(home, registry, 2))
    registry.held |= {"champion": 3}
    settled = settle(home, registry, "churn")
    assert settled is not None
    assert settled.outcome == "undone"
    assert registry.held == {"champion": 3, "previous": 1}


def test_a_previous_that_was_deleted_since_is_not_named(home: Home) -> None:
    """What `previous` named is gone: it names nobody then."""
    registry = InMemory()
    registry.held = {"champion": 1, "previous": 7}
    registry.left = 1
    with pytest.raises(Killed):
        carry_out(home, registry, begin(home, registry, 2))
    settle(home, registry, "churn")
    assert registry.held == {"champion": 1}


@pytest.mark.parametrize("champion", [None, 9])
@pytest.mark.parametrize("kill", [0, 1, None])
def test_a_champion_that_is_lost_is_not_named_previous(
    home: Home, champion: int | None, kill: int | None
) -> None:
    """Deleted, or an alias to nothing: back to `previous`, which then is nobody; or as it was."""
    registry = InMemory()
    registry.held = {"previous": 1} | ({"champion": champion} if champion else {})
    was, registry.left = dict(registry.held), kill
    begun = begin(home, registry, 1)
    if kill is None:
        carry_out(home, registry, begun)
    else:
        with pytest.raises(Killed):
            carry_out(home, registry, begun)
        settle(home, registry, "churn")
    assert registry.held == (was if kill is not None else {"champion": 1})


def test_what_a_living_process_is_at_is_not_settled(home: Home) -> None:
    """A status in the middle of a promotion neither waits for it nor breaks it."""
    registry = InMemory()
    registry.held = {"champion": 1}
    begun = begin(home, registry, 2)
    with held(lock(home, "churn"), "A promotion"):
        assert settle(home, registry, "churn") is None
    assert Moves(home).open("churn") == begun


def test_one_move_of_a_task_is_open(home: Home) -> None:
    """A second cannot be begun over an unsettled one; closed twice, it has one row."""
    registry = InMemory()
    begun = begin(home, registry, 1)
    with pytest.raises(Exception, match="UNIQUE"):
        begin(home, registry, 2)
    moves = Moves(home)
    assert moves.done(begun) == moves.done(begun) == 1
    assert len(Ledger(home).read()) == 1


@pytest.mark.parametrize("when", ["begin", "done"])
def test_a_locked_database_is_busy_and_leaves_nothing_half_done(
    home: Home, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Before the first alias nothing has moved; at the end, the next command writes the row."""
    monkeypatch.setattr("lifecycle.sqlite.PATIENCE_SECONDS", 0.05)
    registry = InMemory()
    registry.held = {"champion": 1}
    act: Callable[[], object]
    if when == "begin":
        act = lambda: begin(home, registry, 2)  # noqa: E731
    else:
        begun = begin(home, registry, 2)
        act = lambda: carry_out(home, registry, begun)  # noqa: E731
    with locked(home), pytest.raises(Busy, match=r"platform\.db is locked"):
        act()
    settle(home, registry, "churn")
    assert registry.held["champion"] == (1 if when == "begin" else 2)
    assert len(Ledger(home).read()) == (0 if when == "begin" else 1)
    assert Moves(home).open("churn") is None


@pytest.mark.parametrize(
    ("words", "error"),
    [("(sqlite3.OperationalError) database is locked", Busy), ("no such model", MlflowException)],
)
def test_mlflows_database_locked_is_busy_too(
    home: Home, words: str, error: type[Exception]
) -> None:
    """MLflow says it in its own words; what had moved is put back, and other faults stay theirs."""
    registry = InMemory()
    registry.held = {"champion": 1, "previous": 3}
    registry.left, registry.how = 1, lambda: MlflowException(words)
    begun = begin(home, registry, 2)
    with pytest.raises(error), unlocked():
        carry_out(home, registry, begun)
    assert registry.held == {"champion": 1, "previous": 3}
    assert Moves(home).open("churn") is None
    assert Ledger(home).read() == ()


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Another process writes and does not end."""
    home.root.mkdir(exist_ok=True)
    with closing(sqlite3.connect(home.platform, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
