"""JSON as the standard has it: no bare NaN, which Evidently's own and Python's may hold."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from lifecycle.whole import write_whole


def plain(value: Any) -> Any:
    """The value in words of JSON; what is not a finite number becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy, which `onramp --help` must not wait for
        return plain(value.tolist())
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return scalar(value)


def scalar(value: Any) -> str | float | bool | None:
    """A single value: numbers as they are, times in ISO 8601, anything else as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def text(value: Any) -> str:
    """Keys sorted, so that equal values are equal text."""
    return json.dumps(plain(value), indent=2, sort_keys=True, allow_nan=False)


def write(path: Path, value: Any) -> None:
    """Write so that a reader sees the old file or the new one."""
    write_whole(path, text(value))
