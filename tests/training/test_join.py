"""Joining starts from this machine's own data, and says when there is nothing to join."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.errors import NotReady
from lifecycle.home import open_home
from tests.training.conftest import CHURN, make_frame, make_set
from training.candidate import Budget
from training.join import join_on


def test_a_search_that_nobody_began_cannot_be_joined(tmp_path: Path) -> None:
    """The error says what a search's name holds, and nothing is made in the home's studies."""
    home = open_home(tmp_path / "home")
    with pytest.raises(NotReady, match=r"No search churn-.*--as-of, --seed, code and libraries"):
        join_on(home, CHURN, make_set(make_frame(150)), Budget(seed=5))
    assert not home.studies.exists()
