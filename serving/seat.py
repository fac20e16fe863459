"""Who serves a task right now. Changing hands is one assignment, between two requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp

from lifecycle.errors import NotReady
from lifecycle.rollouts import Rollout
from serving.champion import Champion
from serving.quick.scoring import Quick
from serving.rollout.seen import Seen
from serving.rollout.share import takes


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """A version and MLflow's scoring app around it, from `since` on.

    Attributes:
        beside: the challenger of an open rollout, if there is one.
    """

    champion: Champion
    app: ASGIApp
    since: datetime
    beside: Beside | None = None

    @property
    def quick(self) -> Quick | None:
        """The champion's short way around `app`; None where it has none."""
        found: Quick | None = getattr(self.app, "quick", None)
        return found


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A challenger that is ready to answer, and what was seen of it here."""

    plan: Rollout
    challenger: Sitting
    seen: Seen

    @property
    def shadow(self) -> bool:
        return self.plan.stage == "shadow"

    def takes(self, customer_id: str) -> bool:
        """Whether the challenger answers this customer; it is the same ones each time."""
        plan = self.plan
        return plan.stage == "canary" and takes(plan.task, plan.challenger, plan.share, customer_id)

    def state(self) -> dict[str, Any]:
        """What /ready says of the rollout."""
        plan = self.plan
        return {
            "stage": plan.stage, "version": plan.challenger, "share": plan.share,
            "since": plan.since.isoformat() if plan.since else None, **self.seen.state(),
        }  # fmt: skip


class Seat:
    """One task's seat. Only the watcher writes; a request reads `sitting` once and keeps it.

    Attributes:
        sitting: who serves; None before the first champion.
        trouble: why the seat is not what the registry says it should be; empty when it is.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.sitting: Sitting | None = None
        self.trouble = ""

    def taken(self) -> Sitting:
        """Who serves.

        Raises:
            NotReady: nobody does.
        """
        sitting = self.sitting
        if sitting is None:
            raise NotReady(
                f"No champion serves {self.task}.",
                found=self.trouble or "No version was promoted yet.",
                do=f"Run `onramp promote {self.task}`; it is picked up within two seconds.",
            )
        return sitting

    def choose(self, customer_id: str) -> Sitting:
        """Who serves this customer: the champion, or a canary's challenger.

        Raises:
            NotReady: nobody does.
        """
        sitting = self.taken()
        beside = sitting.beside
        return beside.challenger if beside and beside.takes(customer_id) else sitting

    def state(self) -> dict[str, Any]:
        """What /ready says of the task."""
        sitting = self.sitting
        return {
            "version": sitting.champion.version if sitting else None,
            "since": sitting.since.isoformat() if sitting else None,
            "rollout": sitting.beside.state() if sitting and sitting.beside else None,
            "trouble": self.trouble or None,
        }
