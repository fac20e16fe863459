"""Fingerprints: every byte of every file counts, and nothing else does."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import DataError
from lifecycle.integrity import (
    DIGESTS,
    Fault,
    discard_unlisted,
    faults,
    seal,
    verify,
    without_bytecode,
)
from tests.bytecode import planted

FILES = {
    "MLmodel": b"flavors:\n",
    "model.py": b"print('served')\n",
    "artifacts/version/forest.txt": bytes(range(256)),
    "artifacts/version/empty.json": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "model")


def made(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_was_sealed_is_sound(folder: Path) -> None:
    """Sealed twice it comes to the same, and a copy elsewhere is as good."""
    digest = seal(folder)
    assert faults(folder, digest) == ()
    assert seal(folder) == digest
    assert faults(shutil.copytree(folder, folder.parent / "copy"), digest) == ()


@given(data=st.data())
def test_any_flipped_bit_is_found(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whichever bit of whichever file: that file is named, and no other."""
    folder = made(tmp_path_factory.mktemp("flip"))
    digest = seal(folder)
    name = data.draw(st.sampled_from([*(n for n, content in FILES.items() if content), DIGESTS]))
    content = bytearray((folder / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / name).write_bytes(content)
    assert faults(folder, digest) == (Fault(file=name, kind="changed"),)


@pytest.mark.parametrize("name", [*FILES, DIGESTS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    """Gone is gone, an empty one, too."""
    digest = seal(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"^Version 7 .*{name} is missing, in .*doctor --mend"):
        verify(folder, digest, "Version 7 of churn")


@pytest.mark.parametrize("name", ["extra.py", "artifacts/version/.hidden", "new/folder/file"])
def test_an_added_file_is_named(folder: Path, name: str) -> None:
    """Wherever it is and however it is called."""
    digest = seal(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"{name} was added"):
        verify(folder, digest)


def test_files_that_swapped_places_are_found(folder: Path) -> None:
    """The same contents under each other's names are two changes, said as one and one more."""
    digest = seal(folder)
    (folder / "MLmodel").rename(folder / "tmp")
    (folder / "model.py").rename(folder / "MLmodel")
    (folder / "tmp").rename(folder / "model.py")
    with pytest.raises(DataError, match=r"MLmodel was changed \(and 1 more files differ\)"):
        verify(folder, digest)


def test_links_and_pipes_are_no_files(folder: Path, tmp_path: Path) -> None:
    """A link to the same bytes may lead elsewhere tomorrow; a pipe is not waited for."""
    digest = seal(folder)
    (folder / "MLmodel").rename(tmp_path / "elsewhere")
    (folder / "MLmodel").symlink_to(tmp_path / "elsewhere")
    (folder / "model.py").unlink()
    os.mkfifo(folder / "model.py")
    (tmp_path / "more").mkdir()
    (folder / "linked").symlink_to(tmp_path / "more")
    assert [fault.words() for fault in faults(folder, digest)] == [
        "MLmodel was changed", "linked was added", "model.py was changed",
    ]  # fmt: skip
    with pytest.raises(DataError, match="MLmodel is no plain file"):
        seal(folder)


def test_a_list_that_was_rewritten_along_with_the_file_is_found(folder: Path) -> None:
    """Whoever changes a file and its line in digests.json has not changed the database."""
    digest = seal(folder)
    (folder / "model.py").write_text("print('mine')\n")
    seal(folder)
    assert faults(folder, digest) == (Fault(file=DIGESTS, kind="changed"),)


def run_model(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location("planted_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_bytecode_is_never_run_and_so_is_no_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted beside the code that is verified, it would be run in its place: here it is not."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    digest = seal(folder)
    planted(folder)
    with pytest.raises(AssertionError, match="planted code was run"):
        run_model(folder)
    before = sorted(folder.rglob("*"))
    with without_bytecode():
        run_model(folder)
    assert sorted(folder.rglob("*")) == before
    assert faults(folder, digest) == ()
    discard_unlisted(folder, digest)
    assert not (folder / "__pycache__").exists()


def test_two_megabytes_are_verified_in_milliseconds(folder: Path) -> None:
    """Some ten times what it takes on a quiet machine, so that it can be done at each load."""
    for n in range(20):
        (folder / f"{n}.bin").write_bytes(os.urandom(100_000))
    digest = seal(folder)
    took = []
    for _ in range(5):
        began = time.process_time()
        verify(folder, digest)
        took.append(time.process_time() - began)
    assert min(took) < 0.05
