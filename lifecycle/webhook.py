"""Says that an alias moved, as MLflow's own registry webhooks say it.

A tracking server sends its webhooks itself. The embedded store has no server, so this sends the
same message with the same headers and signature: a receiver cannot tell the two apart. What is to
be said is written down first (`lifecycle.outbox`) and sent in order; a process that is killed
leaves it to the next command, under the same delivery id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
import time
from datetime import UTC, datetime

from lifecycle.errors import OnrampError
from lifecycle.home import Home
from lifecycle.lock import held
from lifecycle.outbox import Delivery, Outbox
from lifecycle.post import post
from lifecycle.receiver import Receiver

SIGNATURE, TIMESTAMP, DELIVERY_ID = (
    "X-MLflow-Signature",
    "X-MLflow-Timestamp",
    "X-MLflow-Delivery-Id",
)
SIGNATURE_VERSION = "v1"
ENTITY = "model_version_alias"
HINDRANCES = (OnrampError, sqlite3.Error, OSError)

TIMEOUT_SECONDS = 5.0  # of each attempt, and to wait for another sender
PAUSES = (0.0, 0.2, 0.4)  # before each attempt of one call; the next command makes others


def alias_moved(home: Home, task: str, alias: str, version: int | None) -> str:
    """Say that the alias names this version now, and send it; else as `write_down`."""
    return write_down(home, task, alias, version) or deliver(home)


def write_down(home: Home, task: str, alias: str, version: int | None) -> str:
    """Note that the alias names this version now, for `deliver`; None: that nothing holds it.

    Call it after the alias moved, and again after a kill: a move that was said is not said twice.
    Against a tracking server it does nothing, for the server says it.

    Returns:
        What kept it from being said so far, for a person; empty when nothing did. A failure is
        never an error: the alias has moved, and the next move or `deliver` tries again.
    """
    if served(home):
        return ""
    moved_to = "" if version is None else str(version)
    data = {"name": task, "alias": alias} | ({"version": moved_to} if moved_to else {})
    payload = {
        "entity": ENTITY,
        "action": "created" if moved_to else "deleted",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": data,
    }
    try:
        wanted = home.webhook is not None
        Outbox(home.platform).put(f"{task}/{alias}", moved_to, payload, wanted=wanted)
    except HINDRANCES as error:
        return f"The webhook could not be written down: {error}"
    return ""


def served(home: Home) -> bool:
    """Whether MLflow is a server, which sends its own webhooks."""
    return home.tracking_uri.startswith(("http:", "https:"))


def deliver(home: Home) -> str:
    """Send whatever waits, oldest first; returns what hindered it, empty when nothing did.

    A later message never overtakes an earlier one: a receiver that acts on *champion* would end
    with the wrong version.
    """
    if home.webhook is None or served(home):
        return ""
    outbox = Outbox(home.platform)
    try:
        if not outbox.waiting():
            return ""
        lock = home.locks / "webhook.held"
        with held(lock, "Sending webhooks", patience_seconds=TIMEOUT_SECONDS):
            for delivery in outbox.waiting():
                problem = attempt(home.webhook, outbox, delivery)
                if problem:
                    return f"The webhook is not delivered yet: {problem}"
    except HINDRANCES as error:
        return f"The webhook is not delivered yet: {error}"
    return ""


def undelivered(home: Home) -> tuple[Delivery, ...]:
    """What nobody took: what waits, then what was given up."""
    outbox = Outbox(home.platform)
    return (*outbox.waiting(), *outbox.given_up())


def attempt(receiver: Receiver, outbox: Outbox, delivery: Delivery) -> str:
    """Try a few times; returns why it failed, empty when it was taken or is given up."""
    problem = ""
    for pause in PAUSES:
        time.sleep(pause)
        problem = send(receiver, delivery)
        if not problem:
            outbox.sent(delivery)
            return ""
        if outbox.failed(delivery, problem).state == "given up":
            return ""  # what comes after it need not wait any longer
    return problem


def send(receiver: Receiver, delivery: Delivery) -> str:
    """One attempt; returns why it failed, without the address's path and without the secret."""
    now = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        DELIVERY_ID: delivery.id,
        TIMESTAMP: now,
        SIGNATURE: signature(receiver.secret, delivery.id, now, delivery.payload),
    }
    return post(receiver.url, delivery.payload.encode(), headers, TIMEOUT_SECONDS)


def signature(secret: str, delivery_id: str, timestamp: str, payload: str) -> str:
    """HMAC-SHA256 over id, time and payload, as MLflow (and Standard Webhooks) writes it."""
    signed = f"{delivery_id}.{timestamp}.{payload}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"{SIGNATURE_VERSION},{base64.b64encode(digest).decode()}"
