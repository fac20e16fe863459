"""What a training came out of beside data, seed and recipe: libraries, Python and our own code."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

# Those that decide numbers: another version of one may fit other trees from the same rows.
LIBRARIES = (
    "imbalanced-learn", "lightgbm", "numpy", "optuna", "pandas", "scikit-learn", "scipy", "xgboost",
)  # fmt: skip


def libraries() -> str:
    """The installed versions, as `name==version` with a blank between."""
    return " ".join(f"{name}=={metadata.version(name)}" for name in LIBRARIES)


def surroundings(code_version: str) -> dict[str, str]:
    """As a run records them."""
    return {
        "code_version": code_version,
        "python": platform.python_version(),
        "libraries": libraries(),
    }


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What is another, in words; what was not recorded then is said to be unknown.

    Args:
        then: parameters of a run, among them those of `surroundings`.
        now: `surroundings`.
    """
    unknown = [name for name in now if name not in then]
    found = [f"Not recorded then: {', '.join(unknown)}."] if unknown else []
    code = then.get("code_version")
    if code is not None and code != now["code_version"]:
        found.append(f"Our code was {code} and is {now['code_version']}.")
    elif code is not None and code.endswith("-dirty"):
        found.append(f"Our code was {code}: what was changed and not committed is not known.")
    python = then.get("python")
    if python is not None and python != now["python"]:
        found.append(f"Python was {python} and is {now['python']}.")
    was, present = versions(then.get("libraries", "")), versions(now["libraries"])
    found += [
        f"{name} was {was[name]} and is {present.get(name, 'absent')}."
        for name in sorted(was)
        if was[name] != present.get(name)
    ]
    return tuple(found)


def versions(pins: str) -> dict[str, str]:
    """Library → version, of `name==version` with blanks between."""
    return dict(pin.split("==", 1) for pin in pins.split())
