"""One server for all cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serving.app import build_app
from serving.door.entry import Door
from serving.door.limits import Limits
from tasks import churn
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf


@pytest.fixture(scope="module")
def fuzzed(_forged: Forged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Churn with a champion. It raises what an endpoint failed to answer."""
    own = _forged.copy(tmp_path_factory.mktemp("fuzzed"))
    own.promote("churn", 1)
    # What is asked here is whether it answers; how fast is asked elsewhere, on a quiet machine.
    door = Door(limits=Limits(seconds=120.0))
    with TestClient(build_app(own.home, (churn.TASK,), lookup=Shelf(), door=door)) as client:
        yield client
