from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.whole import write_whole


@pytest.mark.parametrize(("content", "held"), [("ä\n", "ä\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_a_file_is_replaced_by_what_was_given(
    content: str | bytes, held: bytes, tmp_path: Path
) -> None:
    """Text is UTF-8, bytes are bytes, the folder is made, and nothing else stays beside."""
    path = tmp_path / "new" / "facts.json"
    for one in ("before", content):
        assert write_whole(path, one) == path
    assert path.read_bytes() == held
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    """A failure while writing changes nothing that somebody reads."""
    path = write_whole(tmp_path / "facts.json", "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "before"
