"""Each kind of channel against a real receiver: taken, refused, hanging, and nothing given away."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from lifecycle import post, senders
from lifecycle.channels import Command, Email, Slack, Webhook
from lifecycle.message import body, subject
from lifecycle.outbox import Delivery
from lifecycle.senders import escaped, key_of, send, signature
from tests.mail_receiving import certificate_for_loopback, mail_receiving
from tests.posted import Postbox, posted

PATIENT = settings(  # a busy machine draws slowly
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SECRET = "k3y of the receiver"  # noqa: S105 - made up
MESSAGE = {
    "task": "churn", "job": "1f9c", "outcome": "failed", "trigger": "decay", "version": 7,
    "why": "AUC fell <!channel> & more", "do": "Mend it.",
    "words": "The disk is full.\nSubject: no header",
}  # fmt: skip


@pytest.fixture
def box() -> Iterator[Postbox]:
    with posted() as made:
        yield made


def delivery(**changed: object) -> Delivery:
    return Delivery(
        number=1, id="0b1c", about="job 1f9c", moved_to="failed", written_at=1_700_000_000.0,
        payload=json.dumps({**MESSAGE, **changed}), state="waiting", attempts=0, problem="",
    )  # fmt: skip


def webhook(url: str, secret: str = SECRET) -> Webhook:
    return Webhook(name="pager", kind="webhook", url=SecretStr(url), secret=SecretStr(secret))


def email(port: int, **given: object) -> Email:
    return Email.model_validate(
        {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": port, "security": "none",
         "sender": "onramp@example.org", "to": ("ada@example.org", "bob@example.org"), **given}
    )  # fmt: skip


def test_a_webhook_is_signed_as_the_standard_says(box: Postbox) -> None:
    """Id, time and body, under the key; a receiver that checks it needs nothing else."""
    key = b"thirty-two bytes of a made up key"
    secret = "whsec_" + base64.b64encode(key).decode()
    assert send(webhook(box.url, secret), delivery()) == ""
    (got,) = box.got
    sent_id, sent_at = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    assert got.headers["webhook-signature"] == signature(key, sent_id, sent_at, got.content)
    assert abs(time.time() - int(sent_at)) < 300
    assert (sent_id, got.json, got.headers["content-type"]) == ("0b1c", MESSAGE, "application/json")


def test_the_standards_own_example() -> None:
    """A vector of the tests of https://github.com/standard-webhooks/standard-webhooks."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'{"test": 2432232314}'
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", content)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_slack_reads_words_and_calls_nobody(box: Postbox) -> None:
    """`text` and one section; what somebody's data says cannot call a whole channel."""
    channel = Slack(name="team", kind="slack", url=SecretStr(box.url))
    assert send(channel, delivery()) == ""
    (got,) = box.got
    assert got.json["text"] == "onramp: churn version 7: failed"
    (block,) = got.json["blocks"]
    assert (block["type"], block["text"]["type"]) == ("section", "mrkdwn")
    assert "AUC fell &lt;!channel&gt; &amp; more" in block["text"]["text"]
    assert "<!" not in got.content.decode()
    assert send(channel, delivery(words="x" * 9000)) == ""
    assert len(box.got[1].json["blocks"][0]["text"]["text"]) < 3000


@PATIENT
@given(st.text())
def test_nothing_escaped_is_acted_on(text: str) -> None:
    """And what was escaped is read as itself."""
    told = escaped(text)
    assert not {"<", ">"} & set(told)
    assert told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@pytest.mark.parametrize("answer", [302, 400, 410, 500])
def test_what_is_not_taken_is_said_without_the_address(box: Postbox, answer: int) -> None:
    """Who answered and what; neither path nor secret."""
    box.answers = [answer]
    problem = send(webhook(box.url), delivery())
    assert problem.endswith(f"answered {answer}.")
    assert "very-private-path" not in problem
    assert SECRET not in problem


def test_a_receiver_that_never_answers(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hung up on."""
    monkeypatch.setattr(post, "TIMEOUT_SECONDS", 0.2)
    box.answers = [0]
    assert post.post(box.url, b"{}", {}, 0.2).endswith("could not be reached (ReadTimeout).")


def test_a_mail_arrives() -> None:
    """To all, with a subject of one line, and an id by which a second copy is the same mail."""
    with mail_receiving() as box:
        assert send(email(box.port), delivery(task="churn\r\nBcc: eve@example.org")) == ""
    (got,) = box.got
    assert (got.sender, got.to) == ("onramp@example.org", ("ada@example.org", "bob@example.org"))
    assert got.message["Subject"] == "onramp: churn Bcc: eve@example.org version 7: failed"
    assert got.message["Message-ID"] == "<0b1c@example.org>"
    assert got.message["Bcc"] is None
    assert (
        "Job 1f9c was asked for by decay: AUC fell <!channel> & more" in got.message.get_content()
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted_with_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    """Only to a host whose certificate holds, and only then is the password said."""
    certificate = certificate_for_loopback(tmp_path / "host.pem")
    login = {"security": security, "username": "onramp", "password": "right"}
    with mail_receiving(certificate, tls=security == "tls") as box:
        problem = send(email(box.port, **login), delivery())
        assert problem == f"127.0.0.1:{box.port} did not take the mail (SSLCertVerificationError)."
        assert box.got == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert send(email(box.port, **login), delivery()) == ""
        (got,) = box.got
        assert (got.encrypted, got.login) == (True, "onramp:right")
        wrong = email(box.port, **{**login, "password": "wr0ng"})
        problem = send(wrong, delivery())
        assert problem.endswith("(SMTPAuthenticationError).")
        assert "wr0ng" not in problem


def test_a_host_without_starttls_gets_no_mail() -> None:
    """Encryption that was asked for is not done without."""
    with mail_receiving() as box:
        problem = send(email(box.port, security="starttls"), delivery())
        assert problem.endswith("(SMTPNotSupportedError).")
        assert box.got == []


def test_mail_that_is_refused_or_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a sentence."""
    monkeypatch.setattr(senders, "TIMEOUT_SECONDS", 0.3)
    with mail_receiving() as box:
        box.refuse = True
        assert send(email(box.port), delivery()).endswith("(SMTPRecipientsRefused).")
    with mail_receiving(silent=True) as box:
        assert send(email(box.port), delivery()).endswith("(SMTPServerDisconnected).")
    assert send(email(9), delivery()).endswith("(ConnectionRefusedError).")


def command(tmp_path: Path, program: str, **given: object) -> Command:
    words = (sys.executable, "-c", program, str(tmp_path / "got"), "$(touch shell); *")
    return Command.model_validate({"name": "siren", "kind": "command", "command": words, **given})


def test_a_command_reads_json_and_gets_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No shell reads its words; of our environment it gets what a program needs to run."""
    monkeypatch.setenv("ONRAMP_WEBHOOK_SECRET", SECRET)
    told = (
        "import json, os, sys\n"
        "seen = [json.load(sys.stdin), sys.argv[2], dict(os.environ)]\n"
        "json.dump(seen, open(sys.argv[1], 'w'))"
    )
    assert send(command(tmp_path, told), delivery()) == ""
    message, word, environment = json.loads((tmp_path / "got").read_text())
    assert (message, word) == (MESSAGE, "$(touch shell); *")
    assert environment["ONRAMP_DELIVERY"] == "0b1c"
    assert SECRET not in json.dumps(environment)


def test_a_command_that_fails_hangs_or_is_not_there(tmp_path: Path) -> None:
    """Its exit code is said; what hangs is killed with whatever it started."""
    assert send(command(tmp_path, "raise SystemExit(3)"), delivery()).endswith("ended with 3.")
    forks = "import subprocess; subprocess.run(['sleep', '600'])"
    began = time.monotonic()
    problem = send(command(tmp_path, forks, seconds=0.5), delivery())
    assert problem.endswith("was killed: it took longer than 0.5 s.")
    assert time.monotonic() - began < 60
    gone = Command(name="a", kind="command", command=("/no/such/siren",))
    assert send(gone, delivery()) == "siren could not be started (FileNotFoundError)."
    large = command(tmp_path, "raise SystemExit(0)")  # it ends without reading what it is told
    assert send(large, delivery(words="x" * 2_000_000)) == ""


def test_words_for_people() -> None:
    """What happened, to which, why, and what to do."""
    payload = delivery().payload
    assert subject(payload) == "onramp: churn version 7: failed"
    assert body(payload).splitlines()[0] == "churn: failed."
    assert body(payload).splitlines()[-1] == "Mend it."
