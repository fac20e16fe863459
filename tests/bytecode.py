"""Bytecode planted beside a version's code, as somebody with access to the disk could."""

from __future__ import annotations

import importlib.util
import py_compile
from pathlib import Path


def planted(folder: Path) -> None:
    """Bytecode that Python would run in place of `model.py` whatever that says."""
    (folder / "evil.py").write_text("raise AssertionError('planted code was run')")
    kept = importlib.util.cache_from_source(str(folder / "model.py"))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(folder / "evil.py"), kept, doraise=True, invalidation_mode=mode)
    (folder / "evil.py").unlink()
