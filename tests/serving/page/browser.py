"""A real Chromium without a screen, and a real server for it to ask."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import Browser, sync_playwright
from starlette.types import ASGIApp

from tests.serving.live import free_port

START_SECONDS = 60
SLOW_MS = 60_000  # what a busy machine may take for any one step
HASTE = """(() => {
  const later = window.setTimeout;
  window.setTimeout = (act, ms, ...rest) => later(act, ms / 20, ...rest);
})()"""  # a page that looks every five seconds does so four times a second


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's own; nothing is downloaded."""
    program = shutil.which("chromium")
    assert program, (
        "No Chromium. On Debian or Ubuntu, as root: deploy/postgres-redis/install-servers.sh "
        "(apt-get install chromium)"
    )
    with sync_playwright() as playwright:
        # as root there is no sandbox; the pages are our own
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"],
            timeout=SLOW_MS,
        )  # fmt: skip
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def answering(app: ASGIApp) -> Iterator[str]:
    """The app on a free port, by a thread of this process; gives its address."""
    port = free_port()
    config = uvicorn.Config(app, port=port, log_level="error", ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server ended"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(120)
