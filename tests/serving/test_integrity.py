"""A real version, byte by byte: what is not as it was registered is never loaded, nor unpickled."""

from __future__ import annotations

import logging
import pickle
import pickletools
import shutil
import sys
from pathlib import Path

import pytest

from lifecycle.errors import DataError
from lifecycle.home import open_home
from lifecycle.integrity import DIGEST, DIGESTS, entries
from lifecycle.registry import Registry, Version
from serving.champion import load
from tests.bytecode import planted
from tests.serving.conftest import Forged

CODE = "model.py"


def sealed(forged: Forged) -> tuple[Registry, Version, Path]:
    """Version 1 with its local copy."""
    registry = Registry(forged.home)
    version = registry.version("churn", 1)
    return registry, version, registry.folder(version)


def test_every_file_counts(bare: Forged) -> None:
    """One flipped bit in any file, the served code among them, and the version does not load."""
    registry, version, folder = sealed(bare)
    files = entries(folder)
    assert {CODE, DIGESTS, "MLmodel", "artifacts/version/forest.txt"} <= files.keys()
    for name, path in files.items():
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(DataError, match=rf"Version 1 of churn is not .*{name} was changed"):
            load(registry, version)
        path.unlink()
        with pytest.raises(DataError, match=rf"{name} is missing"):
            load(registry, version)
        path.write_bytes(content)
    (folder / "sitecustomize.py").write_text("raise SystemExit")
    with pytest.raises(DataError, match=r"sitecustomize\.py was added"):
        load(registry, version)


def test_a_version_loads_again_after_it_was_run(
    bare: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies beside the code as bytecode is not run in its place, and a load adds none."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    registry, version, folder = sealed(bare)
    planted(folder)
    for _ in range(2):
        assert load(registry, version).version == 1
    assert len(list(folder.rglob("*.pyc"))) == 1, "a load left something beside the version"


def test_files_that_were_damaged_in_mlflow_are_never_copied(bare: Forged, tmp_path: Path) -> None:
    """A first fetch is verified before the copy appears, and leaves nothing when it is damaged."""
    registry, version, folder = sealed(bare)
    shutil.rmtree(folder)
    # forged homes share the originals, so this test points the version at its own
    source = registry.source(version).removeprefix("file://")
    own = shutil.copytree(source, tmp_path / "own")
    (own / CODE).write_text("raise SystemExit")

    class Elsewhere(Registry):
        def source(self, version: Version) -> str:  # noqa: ARG002
            return str(own)

    with pytest.raises(DataError, match=r"Version 1 of churn in MLflow.*model\.py was changed"):
        Elsewhere(bare.home).folder(version)
    assert list(folder.parent.iterdir()) == []
    shutil.rmtree(own)
    with pytest.raises(DataError, match="files of version 1 of churn cannot be fetched"):
        Elsewhere(bare.home).folder(version)
    assert list(folder.parent.iterdir()) == []


def test_what_lies_beside_the_registered_files_in_mlflow_is_not_fetched(
    bare: Forged, tmp_path: Path
) -> None:
    """MLflow's own leavings and a card that was added later are no part of the version."""
    _registry, version, folder = sealed(bare)
    own = shutil.copytree(folder, tmp_path / "own")
    (own / "card.html").write_text("<html>")
    (own / "registered_model_meta").write_text("model_name: churn")

    class Elsewhere(Registry):
        def source(self, version: Version) -> str:  # noqa: ARG002
            return str(own)

    other = Elsewhere(open_home(tmp_path / "other", bare.home.tracking_uri))
    assert entries(other.folder(version)).keys() == entries(folder).keys()


def test_a_version_of_before_fingerprints_serves_with_a_warning(
    bare: Forged, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody found it wrong, so it answers on; and it is said that nothing can be proven."""
    registry, version, _ = sealed(bare)
    registry.untag(version, [DIGEST])
    with caplog.at_level(logging.WARNING, "onramp.serving"):
        assert load(registry, registry.version("churn", 1)).version == 1
    assert "Version 1 of churn was registered before files were fingerprinted" in caplog.text


def is_pickle(content: bytes) -> bool:
    """Whether Python's unpickler would read it to the end."""
    try:
        last = max(position or 0 for _, _, position in pickletools.genops(content))
    except ValueError:
        return False
    return last == len(content.rstrip()) - 1


def test_no_file_is_a_pickle_and_none_is_needed(
    bare: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by name, not by content; and with pickle forbidden the version loads and answers."""
    assert all(is_pickle(pickle.dumps({"a": [1.5]}, protocol=n)) for n in range(6))
    registry, version, folder = sealed(bare)
    files = entries(folder)
    assert len(files) > 5
    assert [name for name, path in files.items() if is_pickle(path.read_bytes())] == []
    assert {path.suffix for path in files.values()}.isdisjoint({".pkl", ".pickle", ".joblib"})
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    assert load(registry, version).scorer.kind == "binary"
