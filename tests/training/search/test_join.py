"""Workers from elsewhere do a search's trials, and end with it."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from lifecycle.errors import NotReady
from tests.training.search.conftest import make_plan, make_problem, told
from training.search.board import open_board
from training.search.identity import named
from training.search.join import lend
from training.search.search import search
from training.search.slots import Order, is_over


def test_one_who_joins_does_what_was_ordered_until_it_is_withdrawn(tmp_path: Path) -> None:
    """From a home of its own, by a shared database: the leader finds its trials done.

    It leaves nothing behind there, nor what one before it left when it was killed.
    """
    stages, database = (make_problem(150, rounds=5),), f"sqlite:///{tmp_path / 'search.db'}"
    plan = replace(make_plan(tmp_path / "leader", 6), storage=database)
    study = named(plan, stages)
    board = open_board(study)
    board.name = "elsewhere/1/1.00"
    board.announce(Order(stage=0, slots=range(6)))
    host = socket.gethostname()
    left = tmp_path / "helper" / f"{study.name}.joined-{host}+{os.getpid()}+1.00"
    left.mkdir(parents=True)
    lent: list[int] = []
    elsewhere = replace(plan, folder=tmp_path / "helper", trials=None)
    helper = Thread(target=lambda: lent.append(lend(stages, elsewhere)))
    helper.start()
    while not is_over(Order(stage=0, slots=range(6)), board.look(), now=0.0):
        helper.join(0.05)
    board.announce(None)
    helper.join(600)
    assert lent == [6]
    assert not [f for f in (tmp_path / "helper").iterdir() if f.is_dir()]
    alone = search(stages, make_plan(tmp_path / "alone", 6))
    assert told(search(stages, plan)) == told(alone)


def test_joining_nothing_says_what_is_there(tmp_path: Path) -> None:
    """Another question's study is named, and what a name holds; one without a search says so."""
    stages, plan = (make_problem(100),), make_plan(tmp_path)
    open_board(named(replace(plan, seed=9), stages))
    with pytest.raises(NotReady, match=r"No search churn-x-.*Of this task: churn-x-.*--as-of"):
        lend(stages, plan)
    open_board(named(plan, stages))
    with pytest.raises(NotReady, match=r"No search works on churn-x-.*onramp train"):
        lend(stages, plan)
