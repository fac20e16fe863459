"""A champion's short way: rows in, the bytes that MLflow's server would send out.

A version has one only when, at the moment it is seated, it answers its own recorded rows byte for
byte as MLflow's code around the same version does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from mlflow.pyfunc import scoring_server
from mlflow.types import DataType, Schema

from lifecycle.prediction import FeatureValue
from lifecycle.scorer import ScoreCells, without_names
from serving.champion import Champion
from serving.guard import Done, Failed, attempt
from serving.log_writer import LogWriter
from serving.quick.lane import Lane
from serving.quick.logged import Scored
from serving.quick.rows import MOST_ROWS, Cells, Rows
from serving.quick.spelt import Told, spelt, told

KINDS = {DataType.double: "number", DataType.string: "category"}
# One reader of JSON for both sides of the comparison would hide its own faults.
CHECKED_FORM = "dataframe_records"

_logger = logging.getLogger("onramp.serving")


class Quick:
    """Answers what it surely understands of one version's requests.

    Requests that arrived while the last were scored are scored in one call.
    """

    def __init__(
        self, champion: Champion, score_cells: ScoreCells, rows: Rows, log: LogWriter
    ) -> None:
        self.champion, self.log = champion, log
        self._rows, self._score_cells = rows, score_cells
        self._places = {name: place for place, name in enumerate(rows.order)}
        self._lane: Lane[Cells, Told] = Lane(self._score, most=MOST_ROWS)

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
        return self._logged(rows, scored.value)

    def same(self, rows: Sequence[Mapping[str, FeatureValue]]) -> bool:
        """Whether these rows are answered as MLflow's code answers them, in one go and singly."""
        return all(self._same(some) for some in (rows, *([row] for row in rows)))

    def _same(self, rows: Sequence[Mapping[str, FeatureValue]]) -> bool:
        body = json.dumps({CHECKED_FORM: rows}).encode()
        read = self._rows.read(b"application/json", body)
        model = self.champion.model
        theirs = scoring_server.invocations(
            body, "application/json", model, model.metadata.get_input_schema()
        )
        found = read and spelt(self.champion.scorer, self._score([read])[0])
        return found == str(theirs.response).encode()

    def _logged(self, rows: Cells, answers: Told) -> bytes | None:
        body = spelt(self.champion.scorer, answers)
        if body is not None:
            self.log.put(
                Scored(
                    champion=self.champion, cells=rows, places=self._places, told=answers,
                    at=datetime.now(UTC),
                )
            )  # fmt: skip
        return body

    def _score(self, questions: Sequence[Cells]) -> Sequence[Told]:
        every = questions[0] if len(questions) == 1 else list(chain.from_iterable(questions))
        answers = told(self.champion.scorer, self._score_cells(every))
        return [answers] if len(questions) == 1 else answers.apart(list(map(len, questions)))


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
        TypeError: it is of a time before cells could be scored.
        ValueError: the version's signature or its answers are not those that are known here.
    """
    metadata = champion.model.metadata
    if metadata.get_params_schema() is not None:
        raise ValueError("its signature has parameters.")
    scorer, score_cells = champion.scorer, without_names(champion.scorer)
    if score_cells is None:
        raise TypeError("it is of before rows were scored without names.")
    kinds = kinds_of(metadata.get_input_schema())
    if kinds is None or kinds != dict(scorer.features):
        raise ValueError("its signature is not that of its features.")
    required = frozenset(metadata.get_input_schema().required_input_names())
    made = Quick(champion, score_cells, Rows(dict(scorer.features), required), log)
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
