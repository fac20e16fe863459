"""Whether a version's files are the ones that were registered.

`digests.json` stands beside them and names every file with its SHA-256: MLflow's own files and
the code that is run as well as the forest. Its own SHA-256 stands in MLflow's database, as the
version's tag `digest`. Whoever can write to the files but not to the database cannot make other
files look like the registered ones.

What is beyond this: whoever can write to the database, and a change in the instant between the
check and the reading.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from lifecycle.errors import DataError

DIGESTS = "digests.json"
DIGEST = "digest"  # the version's tag, and the logged model's
BYTECODE = "__pycache__"

# of a version without a digest, after its name
UNPROVEN = (
    "was registered before files were fingerprinted: whether they are sound cannot be told. "
    "Train it again."
)
MEND = "Run `onramp doctor --mend`: it fetches the files again where MLflow's own are sound."


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """One file that is not as it was registered; `file` is its path below the folder."""

    file: str
    kind: Literal["changed", "missing", "extra"]

    def words(self) -> str:
        return {
            "changed": f"{self.file} was changed",
            "missing": f"{self.file} is missing",
            "extra": f"{self.file} was added",
        }[self.kind]


def seal(folder: Path) -> str:
    """Write `digests.json` over everything in the folder; returns the digest of that file.

    Raises:
        DataError: something in it is no plain file, or cannot be read.
    """
    (folder / DIGESTS).unlink(missing_ok=True)
    listed = {name: sha256(path) for name, path in sorted(entries(folder).items())}
    unread = [name for name, found in listed.items() if not found]
    if unread:
        raise DataError(
            f"{folder} cannot be fingerprinted.",
            found=f"{unread[0]} is no plain file that can be read.",
            do="Keep plain files in it alone.",
        )
    (folder / DIGESTS).write_text(json.dumps(listed, indent=1), encoding="utf-8")
    return sha256(folder / DIGESTS)


def verify(
    folder: Path, digest: str, name: str = "The version", do: str = MEND, where: str = ""
) -> None:
    """Hold every file against what was registered.

    Args:
        folder: the model's folder.
        digest: of its `digests.json`, from the version's tag.
        name: of the version, as the error says it.
        do: what the error says to do.
        where: what the error says of where the files are; empty: the folder.

    Raises:
        DataError: a file was changed, is missing or was added; the error names the first.
    """
    found = faults(folder, digest)
    if found:
        raise DataError(
            f"{name} is not what was registered, so it is not loaded.",
            found=f"{told(found)}, in {where or folder}.",
            do=do,
        )


def require(digest: str, name: str) -> None:
    """Say no to a version that nothing was registered of.

    Raises:
        DataError: it has no digest.
    """
    if not digest:
        raise DataError(
            f"{name} carries no fingerprints.",
            found="It was registered before files were fingerprinted, or its tag was taken away.",
            do="Train it again: what cannot be verified is not promoted.",
        )


def told(found: tuple[Fault, ...]) -> str:
    """The first fault in words, and how many there are more."""
    more = f" (and {len(found) - 1} more files differ)" if found[1:] else ""
    return f"{found[0].words()}{more}"


def faults(folder: Path, digest: str) -> tuple[Fault, ...]:
    """Every file that is not as it was registered, by name.

    Where the list itself cannot be trusted, it is the one fault: nothing it says of others counts.
    """
    kept = sha256(folder / DIGESTS)
    if kept != digest:
        kind = "changed" if os.path.lexists(folder / DIGESTS) else "missing"
        return (Fault(file=DIGESTS, kind=kind),)  # type: ignore[arg-type]  # mypy widens it
    listed, there = listed_in(folder), entries(folder)
    del there[DIGESTS]
    return tuple(
        sorted(
            [
                *(Fault(file=name, kind="missing") for name in listed.keys() - there.keys()),
                *(Fault(file=name, kind="extra") for name in there.keys() - listed.keys()),
                *(
                    Fault(file=name, kind="changed")
                    for name in listed.keys() & there.keys()
                    if sha256(there[name]) != listed[name]
                ),
            ]
        )
    )


def listed_in(folder: Path) -> Mapping[str, str]:
    """File → SHA-256, as the folder's `digests.json` says it."""
    listed: dict[str, str] = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
    return listed


def entries(folder: Path) -> dict[str, Path]:
    """Every file below the folder by its path with forward slashes; a link is one, too.

    But for Python's bytecode, which nothing of ours runs (`without_bytecode`).
    """
    found: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [name for name in folders if name != BYTECODE]
        # a linked folder is not walked into, and what is behind it must not go unseen
        for name in (*files, *(name for name in folders if (here / name).is_symlink())):
            found[(here / name).relative_to(folder).as_posix()] = here / name
    return found


def sha256(path: Path) -> str:
    """Of a plain file's content; empty for what is none or cannot be read, which equals no file's.

    Never of what a link leads to: that may change and the link stay. Never of a pipe: reading it
    would wait for ever.
    """
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return ""


def discard_unlisted(folder: Path, digest: str) -> None:
    """Take away what the registered list does not name; nothing where that list is not there.

    Of a copy just made: MLflow leaves files of its own beside the registered ones whenever it
    loads from its store, and a model card is added to them later. None of that is ever loaded.
    """
    if sha256(folder / DIGESTS) != digest:
        return
    listed = listed_in(folder)
    for name, path in entries(folder).items():
        if name not in listed and name != DIGESTS:
            path.unlink()
    for path in [path for path in folder.rglob(BYTECODE) if path.is_dir()]:
        shutil.rmtree(path)


_one_at_a_time = threading.Lock()


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Run a version's code from its source alone.

    Python keeps what it compiled beside the source and the next time runs that in place of it.
    For the block it looks, and keeps, elsewhere: what lies in `__pycache__` is never run, so that
    it need not be verified, and a load leaves no file that another's check would find.
    """
    with _one_at_a_time, TemporaryDirectory() as elsewhere:
        before, sys.pycache_prefix = sys.pycache_prefix, elsewhere
        try:
            yield
        finally:
            sys.pycache_prefix = before
