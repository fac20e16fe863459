"""serving.quick.scoring: the short way sends MLflow's bytes, or sends nobody's."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mlflow.types import ParamSchema, ParamSpec

from serving.log_writer import Batch
from serving.quick.scoring import Quick, quick
from tests.serving.asked import OTHERS, PLAIN, ROW
from tests.serving.quick.served import COLUMNS, champion_of, schema, scorer_of, theirs
from tests.serving.quick.test_rows import sent
from training.model import Scorer

JSON = "application/json"


class Kept:
    """A log that keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[Any] = []

    def put(self, batch: Batch) -> bool:
        self.batches.append(batch)
        return True


@pytest.fixture(scope="module", params=["binary", "multiclass"])
def scorer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return scorer_of(request.param, tmp_path_factory.mktemp("version"))


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return scorer_of("binary", tmp_path_factory.mktemp("version"))


def made(scorer: Scorer, log: Kept | None = None) -> Quick:
    found = quick(champion_of(scorer), log or Kept())  # type: ignore[arg-type]  # it only puts
    assert found is not None
    return found


def ask(way: Quick, *bodies: bytes, kind: str = JSON) -> list[bytes | None]:
    """Asked in one turn of the event loop."""

    async def every() -> list[bytes | None]:
        return await asyncio.gather(*(way.answer(kind.encode(), body) for body in bodies))

    return asyncio.run(every())


@pytest.mark.parametrize("name", PLAIN)
def test_plain_requests_get_mlflows_bytes(scorer: Scorer, name: str) -> None:
    """Each documented format of plain rows takes the short way and gets the same bytes."""
    kind, body = PLAIN[name]
    (mine,) = ask(made(scorer), body, kind=kind)
    assert mine == theirs(champion_of(scorer), kind, body)


@pytest.mark.parametrize("name", OTHERS)
def test_other_requests_are_left_to_mlflow(binary: Scorer, name: str) -> None:
    """Whatever else comes is not answered here, and not logged."""
    kind, body = OTHERS[name]
    log = Kept()
    assert ask(made(binary, log), body, kind=kind) == [None]
    assert log.batches == []


@given(sent())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_request_gets_mlflows_bytes_or_none(
    scorer: Scorer, request: tuple[str, object]
) -> None:
    """For arbitrary rows in any format: what is answered is what MLflow answers."""
    body = json.dumps(dict([request])).encode()
    (mine,) = ask(made_once(scorer), body)
    if mine is not None:
        assert mine == theirs(champion_of(scorer), JSON, body)


_made: dict[int, Quick] = {}


def made_once(scorer: Scorer) -> Quick:
    if id(scorer) not in _made:
        _made[id(scorer)] = made(scorer)
    return _made[id(scorer)]


def test_requests_that_come_together_do_not_mix(scorer: Scorer) -> None:
    """Scored in one call, each caller gets the bytes that it would get alone."""
    calls: list[int] = []
    way = made(Counting(scorer, calls))
    draw = np.random.default_rng(1)
    bodies = [
        json.dumps({"instances": [{**ROW, "visits": float(draw.integers(9))}] * n}).encode()
        for n in (1, 3, 1, 2, 5)
    ]
    alone = [ask(way, body)[0] for body in bodies]
    calls.clear()
    assert ask(way, *bodies) == alone
    assert calls == [12]
    assert len(set(alone)) >= 4


class Counting(Scorer):
    """Notes how many rows each call has."""

    def __init__(self, scorer: Scorer, calls: list[int]) -> None:
        super().__init__(scorer.facts, scorer.engine)
        self.calls = calls

    def score_cells(self, cells: Sequence[Any]) -> Any:
        self.calls.append(len(cells))
        return super().score_cells(cells)


def test_what_was_answered_is_logged(scorer: Scorer) -> None:
    """Each row with the version, the answer and the values that went in, as they are read."""
    log = Kept()
    rows = [{**ROW, "visits": 3, "extra": 1}, {"visits": None, "country": "XX"}]
    (body,) = ask(made(scorer, log), json.dumps({"dataframe_records": rows}).encode())
    (batch,) = log.batches
    logged = batch.predictions()
    told = json.loads(body or b"")["predictions"]
    assert batch.rows == len(logged) == 2
    assert [(p.prediction, p.answer) for p in logged] == [
        (row["probability"], row["answer"]) for row in told
    ]
    assert [p.features for p in logged] == [
        {"visits": 3.0, "spent": 8.25, "country": "FR"},
        {"visits": None, "spent": None, "country": "XX"},
    ]
    assert {(p.origin, p.version, p.customer_id) for p in logged} == {("invocations", 1, None)}
    assert len({p.receipt_id for p in logged}) == 2
    assert all(sum(p.probabilities.values()) == pytest.approx(1) for p in logged)


class Off(Scorer):
    """Answers rows otherwise than frames."""

    def __init__(self, scorer: Scorer, by: float) -> None:
        super().__init__(scorer.facts, scorer.engine)
        self.by = by

    def score_cells(self, cells: Sequence[Any]) -> Any:
        return super().score_cells(cells) + self.by


SIGNATURE = "its signature is not that of its features."
DIFFERS = "its recorded rows are not answered by both in the same bytes."


@pytest.mark.parametrize(("change", "why"), [
    ({"inputs": schema(COLUMNS[:2])}, SIGNATURE),
    ({"inputs": schema((*COLUMNS[:2], ("long", "country", True)))}, SIGNATURE),
    ({"params": ParamSchema([ParamSpec("depth", "integer", 3)])}, "its signature has parameters."),
    ({"check": ()}, DIFFERS),
])  # fmt: skip
def test_no_short_way_where_it_might_differ(
    binary: Scorer, change: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A version of another signature, or that cannot be checked, is MLflow's alone, and said so."""
    with caplog.at_level(logging.WARNING):
        assert quick(champion_of(binary, **change), Kept()) is None  # type: ignore[arg-type]
    assert why in caplog.text


def test_no_short_way_for_a_version_of_before(
    binary: Scorer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A version whose own file cannot score cells is served by MLflow's code."""
    monkeypatch.delattr(Scorer, "score_cells")
    assert quick(champion_of(binary), Kept()) is None  # type: ignore[arg-type]
    assert "it is of before rows were scored without names" in caplog.text


@pytest.mark.parametrize("by", [1e-16, 0.01, np.nan])
def test_no_short_way_when_one_bit_differs(
    binary: Scorer, by: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Checked on the version's recorded rows before it answers anybody."""
    log = Kept()
    assert quick(champion_of(Off(binary, by)), log) is None  # type: ignore[arg-type]
    assert DIFFERS in caplog.text


def test_a_failing_score_is_mlflows_to_tell(binary: Scorer) -> None:
    """When the scorer fails, or gives no number, MLflow's app answers each request by itself."""
    scorer = Off(binary, 0.0)
    way = made(scorer)
    scorer.by = np.nan
    body = json.dumps({"instances": [ROW]}).encode()
    assert ask(way, body, body) == [None, None]
    scorer.by = None  # type: ignore[assignment]  # the sum fails
    assert ask(way, body, body) == [None, None]
    scorer.by = 0.0
    assert None not in ask(way, body)
