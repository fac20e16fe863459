"""A champion's short way: rows in, the bytes that MLflow's server would send out.

A version has one only when, at the moment it is seated, it answers its own recorded rows byte for
byte as MLflow's code around the same version does.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlflow.pyfunc import scoring_server
from mlflow.types import DataType, Schema

from lifecycle.scorer import Probabilities, Scorer, reported
from serving.champion import Champion
from serving.guard import Done, Failed, attempt
from serving.log_writer import LogWriter
from serving.quick.lane import Lane
from serving.quick.logged import Scored
from serving.quick.rows import MOST_ROWS, Row, Rows

KINDS = {DataType.double: "number", DataType.string: "category"}
# One reader of JSON for both sides of the comparison would hide its own faults.
CHECKED_FORM = "dataframe_records"

_logger = logging.getLogger("onramp.serving")


class Quick:
    """Answers what it surely understands of one version's requests.

    Requests that arrived while the last were scored are scored in one call.
    """

    def __init__(self, champion: Champion, rows: Rows, log: LogWriter) -> None:
        self.champion, self.log, self._rows = champion, log, rows
        self._lane: Lane[Sequence[Row], Probabilities] = Lane(self._score, most=MOST_ROWS)

    async def answer(
        self, content_type: bytes | None, body: bytes, *, alone: bool = False
    ) -> bytes | None:
        """The body of MLflow's answer (200, JSON), logged; None: let MLflow's app answer.

        Args:
            content_type: as it was sent.
            body: the whole of it.
            alone: nobody else seems to ask, so that there is no batch to wait for.
        """
        rows = self._rows.read(content_type, body)
        if rows is None:
            return None
        scored = self._lane.now(rows) if alone else None
        if scored is None:
            scored = await self._lane.ask(rows, len(rows))
        if isinstance(scored, Failed):
            return None
        return self._told(rows, scored.value)

    def same(self, rows: Sequence[Row]) -> bool:
        """Whether these rows are answered as MLflow's code answers them, in one go and singly."""
        return all(self._same(some) for some in (rows, *([row] for row in rows)))

    def _same(self, rows: Sequence[Row]) -> bool:
        body = json.dumps({CHECKED_FORM: rows}).encode()
        read = self._rows.read(b"application/json", body)
        model = self.champion.model
        theirs = scoring_server.invocations(
            body, "application/json", model, model.metadata.get_input_schema()
        )
        found = read and spelt(self.champion.scorer, self.champion.scorer.score_rows(read))
        return found == str(theirs.response).encode()

    def _told(self, rows: Sequence[Row], probabilities: Probabilities) -> bytes | None:
        scorer = self.champion.scorer
        body = spelt(scorer, probabilities)
        if body is not None:
            self.log.put(
                Scored(
                    champion=self.champion,
                    sent=rows,
                    probabilities=probabilities,
                    at=datetime.now(UTC),
                )
            )
        return body

    def _score(self, questions: Sequence[Sequence[Row]]) -> Sequence[Probabilities]:
        if len(questions) == 1:
            return [self.champion.scorer.score_rows(questions[0])]
        every = self.champion.scorer.score_rows([row for rows in questions for row in rows])
        found, at = [], 0
        for rows in questions:
            found.append(every[at : at + len(rows)])
            at += len(rows)
        return found


def quick(champion: Champion, log: LogWriter) -> Quick | None:
    """The champion's short way; None where its answers could differ from MLflow's."""
    made = attempt(lambda: shown_to_answer(champion, log))
    if isinstance(made, Done):
        return made.value
    _logger.warning(
        "%s: version %d is served by MLflow's code alone: %s",
        champion.task, champion.version, made.reason,
    )  # fmt: skip
    return None


def shown_to_answer(champion: Champion, log: LogWriter) -> Quick:
    """Hold the short way against MLflow's, row by row.

    Raises:
        ValueError: the version's signature or its answers are not those that are known here.
    """
    metadata = champion.model.metadata
    if metadata.get_params_schema() is not None:
        raise ValueError("its signature has parameters.")
    kinds = kinds_of(metadata.get_input_schema())
    if kinds is None or kinds != dict(champion.scorer.features):
        raise ValueError("its signature is not that of its features.")
    required = frozenset(metadata.get_input_schema().required_input_names())
    made = Quick(champion, Rows(kinds, required), log)
    if not champion.check or not made.same(champion.check):
        raise ValueError("its recorded rows are not answered by both in the same bytes.")
    return made


def kinds_of(schema: Schema | None) -> Mapping[str, str] | None:
    """Column → "number" | "category"; None for a signature that is anything else."""
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return None
    types = dict(zip(schema.input_names(), schema.input_types(), strict=True))
    if not all(isinstance(kind, DataType) and kind in KINDS for kind in types.values()):
        return None
    return {str(name): KINDS[kind] for name, kind in types.items()}


def spelt(scorer: Scorer, probabilities: Probabilities) -> bytes | None:
    """`{"predictions": …}` in the spelling of MLflow's server; None where a number is none."""
    answers, shown = scorer.answers(probabilities), reported(scorer, probabilities).tolist()
    if not all(map(math.isfinite, shown)):
        return None
    if scorer.kind == "binary":
        words = {answer: json.dumps(answer) for answer in set(answers)}
        # a float's own words are those that `json` writes
        told = ", ".join(
            f'{{"probability": {p!r}, "answer": {words[answer]}}}'
            for p, answer in zip(shown, answers, strict=True)
        )
        return f'{{"predictions": [{told}]}}'.encode()
    names = [f"p_{name}" for name in scorer.classes]
    rows: list[dict[str, Any]] = [
        {"answer": answer, "probability": p, **dict(zip(names, line, strict=True))}
        for p, answer, line in zip(shown, answers, probabilities.tolist(), strict=True)
    ]
    return json.dumps({"predictions": rows}).encode()
