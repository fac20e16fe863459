"""A champion changes hands under load: nobody sees a failure, and no answer is of two versions."""

from __future__ import annotations

from tests.serving.conftest import Forged
from tests.serving.rollout.swaps import swap


def test_swaps_under_load(forged: Forged) -> None:
    """Three callers ask for four rows all the while; each swap shows in the answers themselves."""
    seen = swap(forged.home, 6)
    assert seen.failures == []
    assert seen.mixed() == 0
    assert len(seen.answers) > 50
    # the promise is two seconds; a machine that stalls is given several times that
    assert min(seen.delays) < 10.0, seen.line()
