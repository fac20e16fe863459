"""Shops for the tests of ingestion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.ingestion.shops import Shop, open_shop


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    """Opens a shop with another clock, zone or table."""
    return partial(open_shop, tmp_path)


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """Events and customers in CSV files, on the data's own clock."""
    return make_shop()
