"""What people read never costs them the model."""

from __future__ import annotations

from training.report.section import Section
from training.sections import attempted


def test_a_section_that_fails_warns_instead() -> None:
    """Its place says what went wrong, on top of the page too; a sound one is as it was."""

    def broken() -> Section:
        raise ZeroDivisionError("no rows")

    found = attempted("balancing", broken)
    assert "ZeroDivisionError: no rows" in found.warnings[0]
    sound = Section(name="x", title="X", words="y")
    assert attempted("x", lambda: sound) is sound
