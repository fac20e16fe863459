"""Lends workers to a search that another process leads, on this machine or another."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from lifecycle.errors import NotReady
from lifecycle.progress import Progress, silent
from training.folds import Problem
from training.search.board import UNHEARD_SECONDS, find_board
from training.search.crew import crew
from training.search.hand import Hand, beating
from training.search.identity import named
from training.search.plan import Plan

POLL_SECONDS = 0.1
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
    if not board.orders():
        raise NotReady(
            f"No search works on {plan.name} now.",
            found="Its study is there, and nobody gives orders on it.",
            do="Start `onramp train` with the same storage, then join it.",
        )
    hand = Hand(plan=plan, stages=stages, board=board)
    folder = plan.folder / f"{plan.name}.joined-{os.getpid()}"
    with crew(plan, stages, ANYBODY, folder), beating(hand):
        return work(hand, progress)


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
