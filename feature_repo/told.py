"""What Feast was told of segments before, for when they cannot be derived now."""

from __future__ import annotations

from dataclasses import dataclass

from feast import FeatureService, FeatureView

from features.connection import config_file, open_store
from lifecycle.home import Home
from segments.table import VIEW, earlier

SEGMENTS = "segments"


@dataclass(frozen=True)
class Kept:
    """Objects as they are in the registry."""

    views: tuple[FeatureView, ...] = ()
    services: tuple[FeatureService, ...] = ()


def told_segments(home: Home) -> Kept:
    """The view of segments and its service, while the parts that they were built of are there."""
    if not config_file(home).exists():
        return Kept()
    store = open_store(home)
    there = {table.folder.name for table in earlier(home) if table.parts()}
    views = tuple(
        view
        for view in store.list_feature_views()
        if view.name == VIEW and view.tags.get("definition") in there
    )
    services = (one for one in store.list_feature_services() if one.name == SEGMENTS)
    return Kept(views, tuple(services)) if views else Kept()
