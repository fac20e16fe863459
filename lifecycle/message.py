"""What people are told of a retrain job: one JSON message, and the same in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from lifecycle.job import Job
from lifecycle.strict_json import scalar

EVENT = "retrain job"
TEST = "test"
DO: Mapping[str, str] = {
    "promoted": "Nothing to do. `onramp rollback {task}` goes back.",
    "refused": "Nothing to do: the champion stays. `onramp history {task}` says why.",
    "undecided": "The champion stays. `onramp history {task}` says what could not be measured.",
    "awaiting approval": "Say `onramp approve {task}` or `onramp reject {task} --because …`.",
    "failed": "Mend what the reason names, then `onramp retrain {task} --now --because …`.",
    "superseded": "Nothing to do.",
    "dead letter": "Mend what the reason names, then `onramp retrain {task} --retry`, or --cancel.",
    TEST: "Nothing to do.",
}


def message_of(job: Job) -> dict[str, object]:
    """What is sent of a job, in words of JSON."""
    return {
        "event": EVENT,
        "task": job.task,
        "job": job.id,
        "outcome": job.state,
        "trigger": job.trigger,
        "why": job.why,
        "words": job.words,
        "version": job.version,
        "attempts": job.attempts,
        "as_of": job.as_of,
        "requested_at": job.requested_at,
        "at": job.state_at,
        "do": DO.get(job.state, "").format(task=job.task),
    }


def trial_message(actor: str) -> dict[str, object]:
    """A message that asks for nothing."""
    return {
        "event": EVENT,
        "task": "no task",
        "job": "none",
        "outcome": TEST,
        "trigger": "hand",
        "why": f"{actor} asked whether this channel works",
        "words": "It does.",
        "version": None,
        "attempts": 0,
        "at": scalar(datetime.now(UTC)),
        "do": DO[TEST],
    }


def subject(payload: str) -> str:
    """One line."""
    told = json.loads(payload)
    version = f" version {told['version']}" if told["version"] else ""
    return " ".join(f"onramp: {told['task']}{version}: {told['outcome']}".split())


def body(payload: str) -> str:
    """What a person reads."""
    told = json.loads(payload)
    lines = (
        f"{told['task']}: {told['outcome']}.",
        told["words"],
        f"Job {told['job']} was asked for by {told['trigger']}: {told['why']}",
        told["do"],
    )
    return "\n".join(line for line in lines if line)
