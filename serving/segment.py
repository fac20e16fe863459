"""In which segments a user is, as the stored segments say, with the names that people gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from features.clock import Stamp, changed_at
from features.online_row import OnlineRow
from lifecycle.home import Home
from segments.file import Group, SegmentsFile, read_file, segments_file
from serving.answers import age
from serving.content import spelt
from serving.guard import Done, Failed, attempt

SERVICE = "segments"
RULE = "segment_"  # of columns that are 1 for a member and 0 for everybody else

# What is told → the column that names one group of several.
ONE_OF = {"stage": "lifecycle_stage", "rfm": "rfm_segment", "behaviour": "behaviour_segment"}

SILENCE = {
    "unknown": "No segments are stored of this customer.",
    "stale": "The customer's segments are older than their time to live.",
}
NONE_STORED = "The online store holds no segments. `onramp features` puts them there."


@dataclass(frozen=True, kw_only=True)
class Segments:
    """One user's: group by kind, the rule segments, and how we know or why we do not."""

    status: str
    reason: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    event_timestamp: datetime | None = None
    age_seconds: float | None = None


def segments(asked: Done[tuple[OnlineRow, datetime]] | Failed) -> Segments:
    """What a row of the segments' service says, asked for at a time."""
    if isinstance(asked, Failed):
        return Segments(status="unavailable", reason=asked.reason)
    row, now = asked.value
    moment = row.event_timestamp
    if row.status != "found":
        return Segments(
            status=row.status, reason=SILENCE[row.status],
            event_timestamp=moment, age_seconds=age(moment, now),
        )  # fmt: skip
    if not any(name.startswith(RULE) or name in ONE_OF.values() for name in row.values):
        return Segments(status="unavailable", reason=NONE_STORED)
    groups = {kind: row.values.get(column) for kind, column in ONE_OF.items()}
    return Segments(
        status="found",
        groups={kind: name for kind, name in groups.items() if isinstance(name, str)},
        rules=tuple(
            name.removeprefix(RULE)
            for name, value in row.values.items()
            if name.startswith(RULE) and value == 1.0
        ),
        event_timestamp=moment,
        age_seconds=age(moment, now),
    )


class Labels:
    """What people call the segments; read anew when the file was written."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._stamp: Stamp | None = None
        self._tables: Mapping[str, Mapping[str, Group]] = {}

    def body(self, found: Segments) -> dict[str, Any]:
        """As JSON."""
        self._read()
        groups = {
            kind: self._named(kind, found.groups[kind]) if kind in found.groups else None
            for kind in ONE_OF
        }
        return {
            "status": found.status,
            "reason": found.reason,
            **groups,
            "segments": [self._named("segments", name) for name in found.rules],
            "event_timestamp": found.event_timestamp and found.event_timestamp.isoformat(),
            "age_seconds": found.age_seconds,
        }

    def _named(self, kind: str, name: str) -> dict[str, str]:
        group = self._tables.get(kind, {}).get(name)
        return {"name": name, "label": (group.label if group else "") or spelt(name)}

    def _read(self) -> None:
        stamp = changed_at(self.home.segments_file)
        if stamp == self._stamp:
            return
        # a file that cannot be read is said where segments are built; names are spelt meanwhile
        read = attempt(lambda: read_file(segments_file(self.home)))
        self._stamp = stamp
        self._tables = tables(read.value) if isinstance(read, Done) else {}


def tables(file: SegmentsFile) -> dict[str, Mapping[str, Group]]:
    return {
        "segments": file.segments,
        "stage": file.lifecycle,
        "rfm": file.rfm.names if file.rfm else {},
    }
