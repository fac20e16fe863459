"""Who does a piece of work, so that another process can see whether it still lives."""

from __future__ import annotations

import os
import socket

import psutil


def me() -> str:
    """This worker: machine, process and when it began, for a process number is used again."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def alive(worker: str) -> bool | None:
    """Whether a worker lives; None when it is on another machine and cannot be seen."""
    host, pid, began = worker.rsplit("/", 2)
    if host != socket.gethostname():
        return None
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == began
    except psutil.NoSuchProcess:
        return False
