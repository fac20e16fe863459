"""Lends workers to a search that another process leads, on this machine or another."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from lifecycle.errors import NotReady
from lifecycle.progress import Progress, silent
from lifecycle.worker import alive, me
from training.folds import Problem
from training.search.board import UNHEARD_SECONDS, find_board
from training.search.crew import called
from training.search.hand import Hand, beating
from training.search.identity import named
from training.search.plan import Plan

POLL_SECONDS = 0.1
JOINED = ".joined-"
ANYBODY = ""  # in place of a leader's name: follow every order on the board


def lend(stages: Sequence[Problem], plan: Plan, progress: Progress = silent) -> int:
    """Work on the plan's study until its search ends; returns the trials that this process did.

    Args:
        stages: as the search has them: the same rows, cut alike.
        plan: of the search; how long and how many trials is for the search itself to say.
        progress: shows the trials of this process.

    Raises:
        NotReady: there is no such study, or no search works on it.
    """
    plan = named(plan, stages)
    board = find_board(plan)
    leaders = board.orders()
    if not leaders:
        raise NotReady(
            f"No search works on {plan.name} now.",
            found="Its study is there, and nobody gives orders on it.",
            do="Start `onramp train` with the same storage, then join it.",
        )
    elsewhere = all(alive(leader) is None for leader in leaders)
    hand = Hand(plan=plan, stages=stages, board=board)
    clear_away(plan)
    try:
        with (
            called(plan.workers, plan.trials) as crew,
            crew.at_work(plan, stages, ANYBODY, folder_of(plan, me())),
            beating(hand),
        ):
            return work(hand, progress)
    finally:
        if elsewhere:  # nobody reads them here
            shutil.rmtree(plan.kept, ignore_errors=True)


def folder_of(plan: Plan, worker: str) -> Path:
    """What a helper's own workers read; its name says whose it is."""
    return plan.folder / f"{plan.name}{JOINED}{worker.replace('/', '+')}"


def clear_away(plan: Plan) -> None:
    """Drop what helpers of this machine left that were killed."""
    for folder in plan.folder.glob(f"{plan.name}{JOINED}*"):
        worker = folder.name.removeprefix(f"{plan.name}{JOINED}").replace("+", "/")
        if alive(worker) is False:
            shutil.rmtree(folder, ignore_errors=True)


def work(hand: Hand, progress: Progress) -> int:
    """Follow whoever gives orders, until nobody does or nothing came of them for too long."""
    done, idle_since = 0, time.monotonic()
    with progress("lend a hand", None) as advance:
        while orders := hand.board.orders():
            did = sum([hand.once(order) for order in orders.values()])
            if did:
                done, idle_since = done + did, time.monotonic()
                advance(did)
            elif time.monotonic() - idle_since > UNHEARD_SECONDS:
                return done
            else:
                time.sleep(POLL_SECONDS)
    return done
