"""The wish that the scheduler end: after the call under way; said twice, or long ago, at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Set by signals, looked at by the loop.

    Args:
        patience_seconds: how long a call under way may go on after the first wish.
    """

    def __init__(self, patience_seconds: float) -> None:
        self.patience_seconds = patience_seconds
        self._event = threading.Event()
        self._at = 0.0
        self._times = 0

    def ask(self) -> None:
        """Wish for the end."""
        self._at = self._at or time.monotonic()
        self._times += 1
        self._event.set()

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    @property
    def hurry(self) -> bool:
        """Whether a call under way is to be ended."""
        late = time.monotonic() - self._at > self.patience_seconds
        return self.asked and (self._times > 1 or late)

    def wait(self, seconds: float) -> None:
        """Sleep so long, or until somebody asks."""
        self._event.wait(seconds)


@contextmanager
def by_signals(stopping: Stopping) -> Iterator[None]:
    """SIGTERM and SIGINT ask for the end during the block."""
    before = {number: signal.signal(number, lambda *_: stopping.ask()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
