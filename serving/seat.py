"""Who serves a task right now. Changing hands is one assignment, between two requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp

from lifecycle.errors import NotReady
from serving.champion import Champion
from serving.quick.scoring import Quick


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """A champion and MLflow's scoring app around it, from `since` on."""

    champion: Champion
    app: ASGIApp
    since: datetime

    @property
    def quick(self) -> Quick | None:
        """The champion's short way around `app`; None where it has none."""
        found: Quick | None = getattr(self.app, "quick", None)
        return found


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

    def state(self) -> dict[str, Any]:
        """What /ready says of the task."""
        sitting = self.sitting
        return {
            "version": sitting.champion.version if sitting else None,
            "since": sitting.since.isoformat() if sitting else None,
            "trouble": self.trouble or None,
        }
