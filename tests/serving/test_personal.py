"""serving.personal: one user's page is whole, and where something is missing it says what."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from features.online_row import OnlineRow
from segments.plan import LIFECYCLE, RFM
from segments.table import BEHAVIOUR
from serving.app import build_app
from serving.patience import BEAT_SECONDS, HANGS_AFTER, Patience
from serving.personal import Personal
from serving.segment import ONE_OF, SERVICE
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf

TASKS = (churn.TASK, preference.TASK)
GROUPS = {
    "lifecycle_stage": "new", "rfm_segment": "at_risk", "behaviour_segment": None,
    "segment_dormant": 0.0, "segment_highly_engaged_and_new": 1.0, "rfm_recency": 3.0,
}  # fmt: skip
SOON = 0.050  # seconds: what fallback content may take
TRIES = 10


class Store(Shelf):
    """Features and segments; it can hang until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self.let_go.set()

    def __call__(
        self, service: str, customer_ids: Sequence[str], *, now: datetime
    ) -> tuple[OnlineRow, ...]:
        self.let_go.wait(60)
        self.asked.append(service)
        rows = super().__call__(service, customer_ids, now=now)
        if service != SERVICE:
            return rows
        return tuple(
            OnlineRow(
                customer_id=row.customer_id, event_timestamp=now - timedelta(days=1),
                values=GROUPS, status="found",
            )
            if row.status == "found" else row
            for row in rows
        )  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.let_go.set()


@pytest.fixture
def client(forged: Forged, store: Store) -> Iterator[TestClient]:
    with TestClient(build_app(forged.home, TASKS, lookup=store)) as client:
        yield client
        store.let_go.set()


def page(client: TestClient, user: str = "known-1") -> dict[str, Any]:
    answer = client.get(f"/api/personalization/{user}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def soon(client: TestClient, user: str = "known-1") -> dict[str, Any]:
    """A page that is less than 50 ms of work, the asking included, by this process' own clock."""
    for _ in range(TRIES):
        began = time.process_time()
        body = page(client, user)
        if time.process_time() - began < SOON:
            return body
    raise AssertionError(f"each of {TRIES} pages was more than {SOON} s of work")


class Leaping(selectors.SelectSelector):
    """Waits by setting its own clock forward, so that how long is waited is known exactly."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class Hangs:
    """Nobody is ever answered."""

    async def ask(self, *_: object) -> Any:
        await asyncio.Event().wait()

    explain = segments = ask

    def keep(self, page: object) -> None:
        """Nobody reads it."""


def test_columns_are_those_of_the_segments() -> None:
    """What is read by name is what the segments' table calls it."""
    assert ONE_OF == {"stage": LIFECYCLE, "rfm": RFM, "behaviour": BEHAVIOUR}


def test_a_page_is_whole(client: TestClient) -> None:
    """Every part, with whose version, how old, and one receipt that stands for both answers."""
    body = page(client)
    assert body["personalized"] is True
    assert body["fallback_reason"] is None
    assert body["versions"] == {"churn": 1, "preference": 1}
    assert body["feature_age_seconds"] == {
        "risk": pytest.approx(3600), "content": pytest.approx(3600),
        "segment": pytest.approx(86400),
    }  # fmt: skip
    parts = [body["risk"]["receipt_id"], body["content"]["receipt_id"]]
    assert body["receipt_id"] == "-".join(parts)
    assert len(set(parts)) == 2


def test_segments_have_the_names_that_people_gave_them(client: TestClient) -> None:
    """Stage, class and rule segments by name and label; a group that nobody learnt is absent."""
    segment = page(client)["segment"]
    assert (segment["status"], segment["reason"]) == ("found", None)
    assert segment["stage"] == {"name": "new", "label": "New"}
    assert segment["rfm"] == {"name": "at_risk", "label": "At risk"}
    assert segment["behaviour"] is None
    assert segment["segments"] == [
        {"name": "highly_engaged_and_new", "label": "Highly engaged & new"}
    ]


def test_labels_follow_the_file(client: TestClient, forged: Forged) -> None:
    """A segment that is renamed has its new name without a restart; a broken file names none."""
    forged.home.segments_file.write_text(
        '[lifecycle.new]\nlabel = "Fresh"\nrule = "otherwise"\n', encoding="utf-8"
    )
    assert page(client)["segment"]["stage"] == {"name": "new", "label": "Fresh"}
    forged.home.segments_file.write_text("[[[", encoding="utf-8")
    assert page(client)["segment"]["stage"] == {"name": "new", "label": "New"}


def test_a_user_is_welcomed_by_stage_and_in_fallback_words(client: TestClient) -> None:
    """The model's customers have no plan: the text reads well all the same."""
    welcome = page(client)["welcome"]
    assert welcome["text"].startswith("Welcome! Your new account is ready.")
    assert page(client, "nobody")["welcome"]["text"] == "Welcome. Here is a good place to go on."


def test_a_profile_is_shown_and_cannot_become_markup(forged: Forged, store: Store) -> None:
    """The user's own field stands in the text, escaped where HTML is made of it."""
    dataset = forged.home.dataset_file
    dataset.write_text(
        f'{dataset.read_text()}\n[profile.land]\ntype = "category"\nmeaning = "Country"\n'
    )
    forged.home.content_file.write_text(
        '[[content]]\ntype = "faq"\ntitle = "Ask"\n[[welcome]]\ntext = "Hi {land|you} & all!"\n'
    )
    with TestClient(build_app(forged.home, TASKS, lookup=store)) as client:
        personal = client.app.state.service.personal  # type: ignore[attr-defined]
        known = {"profile_land": "<script>alert(1)</script>"}
        made = personal.table.welcome[-1].template
        assert page(client)["welcome"] == {"text": "Hi you & all!", "html": "Hi you &amp; all!"}
    from_profile = personal_welcome(made, known, forged)
    assert from_profile == (
        "Hi <script>alert(1)</script> & all!",
        "Hi &lt;script&gt;alert(1)&lt;/script&gt; &amp; all!",
    )


def personal_welcome(made: Any, features: dict[str, Any], forged: Forged) -> tuple[str, str]:
    from serving.content_fields import fields_of, fill  # noqa: PLC0415  only this test

    return fill(made, fields_of(features, forged.home.dataset().profile))


def test_a_store_that_hangs_costs_the_personal_touch_alone(
    client: TestClient, store: Store
) -> None:
    """Fallback content and the reason; the next user after it recovers has it all."""
    store.let_go.clear()
    body = soon(client)
    assert body["personalized"] is False
    assert body["fallback_reason"].startswith("The online store is too slow. No answer in ")
    assert body["risk"]["receipt_id"] is body["content"]["receipt_id"] is None
    assert body["segment"]["status"] == "unavailable"
    assert len(body["content"]["ranked"]) == 3
    assert body["welcome"]["text"]
    store.let_go.set()
    deadline = time.monotonic() + 60
    while not page(client)["personalized"]:
        assert time.monotonic() < deadline


def test_a_page_never_waits_longer_than_promised(forged: Forged) -> None:
    """Of a store that hangs all that is waited for is 35 ms, whatever else the machine does."""
    leaping = Leaping()
    loop = asyncio.SelectorEventLoop(leaping)
    loop.time = lambda: leaping.now  # type: ignore[method-assign]  # the one clock of a loop
    personal = Personal(forged.home, forged.home.dataset(), Hangs(), Patience(lambda: 0.0))
    try:
        body = loop.run_until_complete(personal.page("known-1", 3))
        loop.run_until_complete(asyncio.sleep(0))  # what was given up ends
    finally:
        loop.close()
    assert HANGS_AFTER * BEAT_SECONDS <= leaping.now < SOON - 0.01
    assert body["content"]["status"] == body["risk"]["status"] == "unavailable"


@pytest.mark.parametrize(
    ("user", "fault", "reason"),
    [
        ("nobody", "", "The online store has no features of this customer."),
        ("old-1", "", "The customer's features are older than their time to live."),
        ("known-1", "the disk is gone", "OSError: the disk is gone"),
        ("known-1", "missing", "lacks features of version 1 of churn. Missing: spent."),
    ],
)
def test_fallback_content_comes_soon(
    client: TestClient, store: Store, user: str, fault: str, reason: str
) -> None:
    """Whatever is missing, there is content and the reason, and nothing is waited for."""
    if fault == "missing":
        del store.vector["spent"]
    else:
        store.broken = fault
    body = soon(client, user)
    assert body["personalized"] is False
    assert reason in body["fallback_reason"]
    assert body["content"]["ranked"]
    assert body["welcome"]["text"]


def test_segments_that_are_not_there_are_not_asked_for_again_and_again(
    client: TestClient, store: Store
) -> None:
    """To learn that Feast knows none costs a look through its registry, for everybody."""
    client.app.state.service.personal.again_seconds = 3600  # type: ignore[attr-defined]
    store.broken = "no such service"
    page(client)
    store.broken = ""
    before = store.asked.count(SERVICE)
    body = page(client)
    assert body["personalized"] is True
    assert "no such service" in body["segment"]["reason"]
    assert store.asked.count(SERVICE) == before


def test_without_any_model_there_is_a_page_soon(bare: Forged, store: Store) -> None:
    """Before the first promotion: no versions, no receipt, and the segments that are known."""
    with TestClient(build_app(bare.home, TASKS, lookup=store)) as client:
        body = soon(client)
    assert body["versions"] == {"churn": None, "preference": None}
    assert "No champion serves churn." in body["fallback_reason"]
    assert body["segment"]["stage"] == {"name": "new", "label": "New"}
