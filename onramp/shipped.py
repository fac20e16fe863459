"""The data sets that ship with Onramp: beside the package, or inside it once installed."""

from __future__ import annotations

from pathlib import Path

from lifecycle.errors import UnknownName

PACKAGE = Path(__file__).resolve().parent
FOLDERS = (PACKAGE / "datasets", PACKAGE.parent / "datasets")


def dataset_file(name: str) -> Path:
    """The TOML file of that path, or the shipped one of that name.

    Raises:
        UnknownName: neither exists.
    """
    path = Path(name)
    if path.exists():
        return path
    shipped = {file.stem: file for folder in FOLDERS for file in sorted(folder.glob("*.toml"))}
    if path.stem not in shipped:
        raise UnknownName("data set", name, shipped)
    return shipped[path.stem]
