"""deploy/serving in earnest: a real Prometheus reads a real log's metrics and raises the alert."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lifecycle.home import open_home
from lifecycle.prediction_log import PredictionLog
from serving.log_writer import LogWriter
from serving.metrics.instruments import Metrics
from serving.metrics.page import page
from tests.deploy.serving_files import ALERTS, PROMETHEUS, dashboard, program, queries
from tests.postgres import free_port
from tests.serving.test_log_writer import answered

SECONDS = 300  # some 4 on an idle machine
TOKEN = "a token of the tests' own"  # noqa: S105  made up


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@contextmanager
def shown(metrics: Metrics) -> Iterator[int]:
    """The metrics behind a token, on a port of their own."""

    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        return page(metrics.registry, request.headers.get("accept", ""))

    port = free_port()
    app = Starlette(routes=[Route("/metrics", answer)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[httpx.Client]:
    """Prometheus with our configuration, but for the address, the token and the pace."""
    settings = yaml.safe_load(PROMETHEUS.read_text("utf-8"))
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (scrape,) = settings["scrape_configs"]
    scrape["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    scrape["authorization"]["credentials_file"] = str(folder / "token")
    (folder / "token").write_text(TOKEN)
    (folder / "alerts.yml").write_text(ALERTS.read_text("utf-8"))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    port = free_port()
    server = subprocess.Popen(
        [program("prometheus", "prometheus"), f"--config.file={folder / 'prometheus.yml'}",
         f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as client:
            until(lambda: asked(client, "status/runtimeinfo"))
            yield client
    finally:
        server.terminate()
        server.wait(timeout=60)


def asked(client: httpx.Client, path: str, **words: str) -> Any:
    try:
        answer = client.get(path, params=words, timeout=30)
    except httpx.TransportError:
        return None
    assert answer.status_code in {200, 503}, answer.text
    return answer.json()["data"] if answer.status_code == 200 else None


def values(client: httpx.Client, query: str) -> list[float]:
    found = asked(client, "query", query=query)
    return [float(sample["value"][1]) for sample in found["result"]]


def firing(client: httpx.Client, name: str) -> list[dict[str, Any]]:
    """The alert, where it is raised."""
    alerts = asked(client, "alerts")["alerts"]
    return [
        one for one in alerts if one["labels"]["alertname"] == name and one["state"] == "firing"
    ]


def test_a_lost_row_is_an_alert(tmp_path: Path) -> None:
    """Rows that cannot be written page somebody at once, and every panel has an answer."""
    log = PredictionLog(open_home(tmp_path / "home"))
    log.root.parent.mkdir(parents=True)
    log.root.write_text("in the way")
    metrics = Metrics(lambda: datetime.now(UTC))
    writer = LogWriter(log, seen=metrics.answered)
    metrics.watch({}, writer.state)
    metrics.follow(lambda: {"events": 3, "kept": 2, "refused": 4, "late": 1, "trouble": None})
    metrics.visible(2, 0.02)
    writer.start()
    dropped = 'onramp_prediction_log_rows_total{outcome="dropped"}'
    with shown(metrics) as port, prometheus(tmp_path, port) as client:
        until(lambda: values(client, dropped) == [0.0])
        assert values(client, 'up{job="onramp"}') == [1.0]
        assert firing(client, "OnrampPredictionLogDrops") == []
        writer.put(answered(3))
        (alert,) = until(lambda: firing(client, "OnrampPredictionLogDrops"))
        assert values(client, dropped) == [3.0]
        assert values(client, "onramp_prediction_score_count") == [3.0]
        assert values(client, 'onramp_events_total{outcome="not_kept"}') == [1.0]
        assert values(client, 'onramp_events_total{outcome="refused"}') == [4.0]
        assert values(client, "onramp_events_visible_seconds_count") == [2.0]
        unanswered = [
            text for text in queries(dashboard()) if not asked(client, "query", query=text)
        ]
    writer.stop()
    assert alert["labels"]["severity"] == "page"
    assert alert["annotations"]["summary"] == f"127.0.0.1:{port} loses rows of the prediction log."
    assert unanswered == []
