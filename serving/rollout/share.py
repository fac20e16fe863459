"""Which customers a canary takes: by a hash of their ids, so that it is the same ones everywhere.

The hash is of the task and the challenger too: every server and every restart agrees, a wider
share keeps whom the narrower one had, and it is not the same people who try each new version.
"""

from __future__ import annotations

from hashlib import blake2b

WHOLE = 2**64
MOST = 50.0  # percent: guardrails need customers of the champion to compare with


def takes(task: str, challenger: int, share: float, customer_id: str) -> bool:
    """Whether the customer is among the `share` percent that the challenger answers."""
    return place(task, challenger, customer_id) * 100.0 < share


def place(task: str, challenger: int, customer_id: str) -> float:
    """Where in [0, 1) the customer stands, evenly spread."""
    text = f"{task}\x1f{challenger}\x1f{customer_id}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest()) / WHOLE
