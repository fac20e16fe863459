"""One server for all cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serving.app import build_app
from tasks import churn
from tests.serving.conftest import Forged, TestClient
from tests.serving.shelf import Shelf


@pytest.fixture(scope="module")
def fuzzed(_forged: Forged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Churn with a champion. It raises what an endpoint failed to answer."""
    own = _forged.copy(tmp_path_factory.mktemp("fuzzed"))
    own.promote("churn", 1)
    with TestClient(build_app(own.home, (churn.TASK,), lookup=Shelf())) as client:
        yield client
