"""A file that appears whole: whoever reads it sees the old one or the new one."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write beside the file and rename; the folder is made when it is not there. Returns `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each writer has its own: of two at once, one wins, and neither writes into the other's.
    unfinished = path.with_name(f"{path.name}.{uuid4().hex[:8]}.unfinished")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    return unfinished.replace(path)
