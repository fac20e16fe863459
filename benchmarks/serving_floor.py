"""The floor of `benchmarks/serving.py`: a bare ASGI endpoint around the booster, under uvicorn.

Run: python -m benchmarks.serving_floor VERSION_FOLDER PORT [HOME]

`/invocations`: orjson reads, one call of the booster with one thread, its calibration, orjson
writes. It checks nothing, logs nothing, and takes the columns to be in the model's order. With a
home, `/score` reads customers from its online store first, with the reader that Onramp has.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lifecycle.home import open_home
from training.model import Scorer

HEADERS = [(b"content-type", b"application/json")]
Cells = Sequence[Sequence[Any]]


class Floor:
    """The endpoint.

    Attributes:
        reader: customers → values in the model's order; None: no store is asked.
    """

    def __init__(self, folder: Path, home: Path | None) -> None:
        self.scorer = Scorer.from_folder(folder)
        self.encoder = self.scorer.encoder
        self.reader: Any = store_of(home, self.encoder.names) if home else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        if scope["method"] == "GET":
            await told(send, b"")
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await told(send, self.answer(scope["path"], orjson.loads(body)))

    def answer(self, path: str, sent: Any) -> bytes:
        if path == "/invocations":
            return orjson.dumps({"predictions": self.scored(sent["dataframe_split"]["data"])})
        names = sent["customer_ids"]
        rows = [values for values, _ in self.reader.read(names)]
        answers = zip(names, self.scored(rows), strict=True)
        return orjson.dumps({"answers": [{"customer_id": n, **one} for n, one in answers]})

    def scored(self, rows: Cells) -> list[dict[str, Any]]:
        cells = [list(row) for row in rows]
        for place in self.encoder.category_columns:
            codes = self.encoder.codes[self.encoder.names[place]]
            for row in cells:
                row[place] = codes.get(row[place])
        probabilities = self.scorer.score_matrix(np.array(cells, dtype=np.float64))
        shown = zip(probabilities[:, 1].tolist(), self.scorer.answers(probabilities), strict=True)
        return [{"probability": p, "answer": answer} for p, answer in shown]


def store_of(home: Path, names: Sequence[str]) -> Any:
    """Reads the features of churn."""
    from features.online_plan import plan_of  # noqa: PLC0415  Feast: not where no store is asked

    plan = plan_of(open_home(home), "churn")
    assert list(plan.places) == list(names), "the store's features are not the model's"
    return plan.reader


async def lifespan(receive: Any, send: Any) -> None:
    """Uvicorn's start and stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def told(send: Any, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until told to stop."""
    folder, port, *home = sys.argv[1:]
    app = Floor(Path(folder), Path(home[0]) if home else None)
    uvicorn.run(app, port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
