"""A search space that grows with the table: more rows carry larger trees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from lifecycle.space import Int, Range, Search

ROWS_A_LEAF = 60
MOST_LEAVES, MOST_DEPTH = 512, 12


def grown(search: Search, rows: int) -> Search:
    """The same space with the upper ends of tree sizes raised to what the rows carry."""
    leaves = min(MOST_LEAVES, rows // ROWS_A_LEAF)
    depth = min(MOST_DEPTH, int(math.log2(max(leaves, 2))) + 2)
    most = {"num_leaves": leaves, "max_depth": depth}
    spaces = {name: raised(space, most) for name, space in search.spaces.items()}
    return replace(search, spaces=spaces)


def raised(space: Mapping[str, Range], most: Mapping[str, int]) -> dict[str, Range]:
    return {
        name: replace(span, high=max(span.high, most[name]))
        if name in most and isinstance(span, Int)
        else span
        for name, span in space.items()
    }
