"""Sends one message by one channel: a function a kind. None retries, stores or raises.

Each returns why it failed, in words without address, path or secret; empty when it was taken.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import signal
import smtplib
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from lifecycle.channels import AnyChannel, Command, Email, Slack, Webhook
from lifecycle.message import body, subject
from lifecycle.outbox import Delivery
from lifecycle.post import TIMEOUT_SECONDS, post

LONGEST_TEXT = 2900  # Slack takes 3,000 characters a section
HANDED_DOWN = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")  # of the environment: no secret
STANDARD = "whsec_"  # before a secret in Base64, as Standard Webhooks writes it


def send(channel: AnyChannel, delivery: Delivery) -> str:
    """One attempt; why it failed, empty when it was taken."""
    return SENDERS[channel.kind](channel, delivery)


def by_webhook(channel: Webhook, delivery: Delivery) -> str:
    """Headers and signature of https://www.standardwebhooks.com, whose libraries check them."""
    now, content = str(int(time.time())), delivery.payload.encode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": now,
        "webhook-signature": signature(
            key_of(channel.secret.get_secret_value()), delivery.id, now, content
        ),
    }
    return post(channel.url.get_secret_value(), content, headers)


def key_of(secret: str) -> bytes:
    """The bytes that sign: of Base64 after `whsec_`, else the secret's own."""
    if secret.startswith(STANDARD):
        with contextlib.suppress(binascii.Error):
            return base64.b64decode(secret.removeprefix(STANDARD), validate=True)
    return secret.encode()


def signature(key: bytes, delivery_id: str, timestamp: str, content: bytes) -> str:
    """HMAC-SHA256 over id, time and content."""
    signed = f"{delivery_id}.{timestamp}.".encode() + content
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def by_slack(channel: Slack, delivery: Delivery) -> str:
    """`text` for notifications, one section with the whole of it."""
    title, words = escaped(subject(delivery.payload)), escaped(body(delivery.payload))
    section = {"type": "mrkdwn", "text": f"*{title}*\n{words}"[:LONGEST_TEXT]}
    told = {"text": title, "blocks": [{"type": "section", "text": section}]}
    headers = {"Content-Type": "application/json"}
    return post(channel.url.get_secret_value(), json.dumps(told).encode(), headers)


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning: else a word could call a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def by_email(channel: Email, delivery: Delivery) -> str:
    """One mail to all; taken when the server takes it for at least one of them."""
    try:
        with connected(channel) as server:
            if channel.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if channel.username:
                server.login(channel.username, channel.password.get_secret_value())
            server.send_message(mail(channel, delivery))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # the server's own words may repeat what it was told
        return f"{channel.host}:{channel.port} did not take the mail ({type(error).__name__})."
    return ""


def connected(channel: Email) -> smtplib.SMTP:
    where: tuple[str, int] = (channel.host, channel.port)
    if channel.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(*where, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(*where, timeout=TIMEOUT_SECONDS)


def mail(channel: Email, delivery: Delivery) -> EmailMessage:
    """Its id is the delivery's, so that mail programs show a second copy as the same."""
    made = EmailMessage()
    made["From"], made["To"] = channel.sender, ", ".join(channel.to)
    made["Subject"] = subject(delivery.payload)
    made["Date"] = formatdate(delivery.written_at)
    made["Message-ID"] = f"<{delivery.id}@{channel.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(body(delivery.payload) + "\n")
    return made


def by_command(channel: Command, delivery: Delivery) -> str:
    """Started without a shell and with nothing of our environment that could be a secret."""
    environment = {name: os.environ[name] for name in HANDED_DOWN if name in os.environ}
    program = os.path.basename(channel.command[0])  # noqa: PTH119  # a name, not a path
    try:
        process = subprocess.Popen(  # noqa: S603  # the words are the operator's own
            channel.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**environment, "ONRAMP_DELIVERY": delivery.id},
            start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return f"{program} could not be started ({type(error).__name__})."
    try:
        process.communicate(delivery.payload.encode(), timeout=channel.seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        process.wait()
        return f"{program} was killed: it took longer than {channel.seconds:g} s."
    code = process.returncode
    return f"{program} ended with {code}." if code else ""


SENDERS: Mapping[str, Callable[[Any, Delivery], str]] = {
    "webhook": by_webhook,
    "slack": by_slack,
    "email": by_email,
    "command": by_command,
}
