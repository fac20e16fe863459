"""Where behaviour segments are kept: plain JSON in the home, each version, and the one in force."""

from __future__ import annotations

from pathlib import Path

from lifecycle.home import Home
from lifecycle.whole import write_whole
from segments.behaviour_model import BehaviourModel, from_json


def current_file(home: Home) -> Path:
    return home.segments / "behaviour.json"


def history(home: Home) -> tuple[Path, ...]:
    """Every version that was ever in force, the oldest first."""
    files = (home.segments / "history").glob("behaviour-*.json")
    return tuple(sorted(files, key=lambda path: int(path.stem.split("-")[1])))


def read(home: Home) -> BehaviourModel | None:
    """The version in force, whatever its features mean today; None when none was fitted.

    Raises:
        DataError: the file is damaged.
    """
    path = current_file(home)
    return from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def next_version(home: Home, definition: str) -> str:
    past = history(home)
    number = int(past[-1].stem.split("-")[1]) + 1 if past else 1
    return f"{number}-{definition[:8]}"


def write(home: Home, model: BehaviourModel) -> None:
    """Put a version in force. Each file appears whole, the history first."""
    text = model.to_json()
    write_whole(home.segments / "history" / f"behaviour-{model.version}.json", text)
    write_whole(current_file(home), text)
