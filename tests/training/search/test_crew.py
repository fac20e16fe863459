"""What workers read is for them alone, and gone when they are."""

from __future__ import annotations

from pathlib import Path

from tests.training.search.conftest import make_plan, make_problem
from training.search.crew import called


def test_the_folder_of_a_crew_is_its_owners_alone(tmp_path: Path) -> None:
    """It may hold a storage's password: nobody else may look in, and nothing of it stays."""
    plan, folder = make_plan(tmp_path), tmp_path / "shared.crew"
    with called(2, None) as crew:
        assert len(crew.members) == 1
        with crew.at_work(plan, (make_problem(100),), "nobody", folder):
            assert folder.stat().st_mode & 0o777 == 0o700
            assert list(folder.iterdir())
    assert not folder.exists()
