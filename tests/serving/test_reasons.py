"""serving.reasons: why an answer is what it is, beside the answers and never before them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from serving.app import build_app
from serving.champion import Champion
from serving.reasons import MOST_EXPLAINED, MOST_WAITING, SECONDS, Explaining
from tasks import churn, preference
from tests.serving.conftest import Forged, TestClient
from tests.serving.test_app import Shelf

VECTOR = {"visits": 3.0, "country": "DE"}


class Told:
    """A scorer that explains slowly, wrongly or well, and counts how often it was asked."""

    def __init__(self, seconds: float = 0.0, fault: str = "") -> None:
        self.seconds, self.fault, self.asked = seconds, fault, 0
        self.threads: set[str] = set()
        self.enough = threading.Event()

    def reasons(self, rows: Sequence[Mapping[str, Any]], k: int) -> list[list[dict[str, Any]]]:
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        self.enough.wait(self.seconds)
        if self.fault:
            raise RuntimeError(self.fault)
        return [[{"words": f"{row['visits']} {i}"} for i in range(k)] for row in rows]


@pytest.fixture
def explaining() -> Iterator[Explaining]:
    made = Explaining()
    yield made
    made.stop()


def champion(scorer: object, version: int = 1) -> Champion:
    return Champion(task="churn", version=version, model=None, scorer=scorer)  # type: ignore[arg-type]


def ask(
    explaining: Explaining, scorer: object, vectors: Sequence[Mapping[str, Any]] = (VECTOR,),
    count: int = 2, version: int = 1,
) -> Any:  # fmt: skip
    return asyncio.run(explaining.of(champion(scorer, version), vectors, count))


def test_reasons_come_for_each_in_order(explaining: Explaining) -> None:
    """As many as were asked for, the heaviest first."""
    told = ask(explaining, Told(), [{"visits": 1.0}, {"visits": 2.0}])
    assert told == [
        [{"words": "1.0 0"}, {"words": "1.0 1"}], [{"words": "2.0 0"}, {"words": "2.0 1"}]
    ]  # fmt: skip


def test_what_was_worked_out_is_remembered(explaining: Explaining) -> None:
    """The same customer costs once, however many reasons are asked for; a version is another."""
    scorer = Told()
    first = ask(explaining, scorer, count=1)
    assert ask(explaining, scorer, count=3)[0][:1] == first[0]
    assert scorer.asked == 1
    ask(explaining, scorer, version=2)
    ask(explaining, scorer, [{**VECTOR, "visits": 4.0}])
    assert scorer.asked == 3


def test_a_slow_explanation_is_not_waited_for(explaining: Explaining) -> None:
    """The answer goes out without reasons at the deadline, whenever the explanation would end."""
    scorer = Told(seconds=120)
    began = time.monotonic()
    assert ask(explaining, scorer) is None
    assert SECONDS <= time.monotonic() - began < 60
    scorer.enough.set()


def test_a_failure_costs_the_reasons_alone(explaining: Explaining) -> None:
    """Whatever a version's file raises, there are no reasons, and the next is asked as ever."""
    assert ask(explaining, Told(fault="broken")) is None
    assert ask(explaining, Told()) is not None


@pytest.mark.parametrize(
    ("scorer", "vectors", "count"),
    [
        (object(), [VECTOR], 3),
        (Told(), [VECTOR], 0),
        (Told(), [], 3),
        (Told(), [VECTOR] * (MOST_EXPLAINED + 1), 3),
    ],
    ids=["older version", "none wanted", "nobody", "too many"],
)
def test_nothing_is_worked_out_in_vain(
    explaining: Explaining, scorer: object, vectors: list[dict[str, Any]], count: int
) -> None:
    """Versions of before reasons were kept, and questions that want none, cost nothing."""
    assert ask(explaining, scorer, vectors, count) is None
    assert getattr(scorer, "asked", 0) == 0


def test_a_queue_refuses_rather_than_grows(
    explaining: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a few waiting questions, the next one has no reasons at once; later ones have."""
    monkeypatch.setattr("serving.reasons.SECONDS", 60)  # the queue alone may refuse here
    slow = Told(seconds=0.02)

    async def many() -> list[Any]:
        vectors = [[{"visits": float(i)}] for i in range(MOST_WAITING + 5)]
        return await asyncio.gather(*(explaining.of(champion(slow), v, 1) for v in vectors))

    told = asyncio.run(many())
    assert [one is None for one in told] == [False] * MOST_WAITING + [True] * 5
    assert slow.asked == MOST_WAITING
    assert slow.threads == {"reasons_0"}
    assert ask(explaining, slow) is not None


@pytest.fixture
def client(forged: Forged) -> Iterator[TestClient]:
    tasks = (churn.TASK, preference.TASK)
    with TestClient(build_app(forged.home, tasks, lookup=Shelf())) as client:
        yield client


def test_a_page_says_why_a_customer_is_at_risk(client: TestClient) -> None:
    """Three reasons in words, as many as are asked for, none for strangers."""
    risk = client.get("/api/personalization/known-1").json()["risk"]
    words = {one["feature"]: one["words"] for one in risk["reasons"]}
    assert len(words) == 3
    assert words["visits"].startswith("Visits: 3 times (")
    assert words["spent"].startswith("spent: not known (")
    assert words["country"].endswith("s the risk)")
    one = client.get("/api/personalization/known-1?reasons=1").json()["risk"]
    assert one["reasons"] == risk["reasons"][:1]
    assert client.get("/api/personalization/known-1?reasons=0").json()["risk"]["reasons"] is None
    assert client.get("/api/personalization/nobody").json()["risk"]["reasons"] is None


def test_scores_come_with_reasons_when_asked(client: TestClient) -> None:
    """By default none; otherwise for each who was scored, of the class that is answered."""
    ids = ["known-1", "nobody"]
    plain = client.post("/churn/score", json={"customer_ids": ids}).json()["answers"]
    assert [one["reasons"] for one in plain] == [None, None]
    body = {"customer_ids": ids, "reasons": 2}
    known, nobody = client.post("/preference/score", json=body).json()["answers"]
    assert len(known["reasons"]) == 2
    assert known["reasons"][0]["words"].endswith(f"the chance of {known['answer']})")
    assert nobody["reasons"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"customer_ids": ["a"], "reasons": 99}, "less than or equal to 5"),
        ({"customer_ids": ["a"], "reasons": "3"}, "valid integer"),
        ({"customer_ids": ["a"] * 101, "reasons": 1}, "reasons are given for at most 100"),
    ],
)
def test_too_much_is_refused(client: TestClient, body: dict[str, Any], words: str) -> None:
    """A 400 that says what is allowed."""
    answer = client.post("/churn/score", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_a_bad_number_of_reasons_is_refused(client: TestClient) -> None:
    """On the page's address too."""
    for number in ("-1", "6", "many"):
        answer = client.get(f"/api/personalization/known-1?reasons={number}")
        assert answer.status_code == 400
        assert "query.reasons" in answer.json()["message"]
