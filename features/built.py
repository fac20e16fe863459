"""Which moments have features of their own.

Feast hands a moment that is not built the vector of an earlier one, as long as that is younger
than the time to live. Whoever learns from moments, or scores them, has to ask here first.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.tables import keys_sql, tables
from lifecycle.home import Home

Mask = npt.NDArray[np.bool_]


def built(home: Home, moments: pd.DataFrame) -> Mask:
    """Whether each moment is built in every view.

    Args:
        home: whose features.
        moments: customer_id, event_timestamp (aware).

    Returns:
        Shape (rows,), in the order of `moments`.
    """
    keys = [keys_sql(table.parts()) for table in tables(home, home.dataset())]
    return np.asarray(np.logical_and.reduce(among(moments, keys)), dtype=np.bool_)


def quarantined(home: Home, moments: pd.DataFrame) -> Mask:
    """Whether each moment broke a bound in any view; arguments and shape as `built`."""
    keys = [keys_sql(table.rejected()) for table in tables(home, home.dataset())]
    return np.asarray(np.logical_or.reduce(among(moments, keys)), dtype=np.bool_)


def among(moments: pd.DataFrame, keys: Sequence[str]) -> list[Mask]:
    """For each query of keys, which moments it holds."""
    times = moments["event_timestamp"].dt.tz_convert("UTC").dt.tz_localize(None)
    asked = pd.DataFrame(
        {
            "n": np.arange(len(moments)),
            "customer_id": moments["customer_id"].to_numpy(),
            "event_timestamp": times.to_numpy(),
        }
    )
    masks = []
    with duckdb.connect() as db:
        db.register("asked", asked)
        for one in keys:
            found = db.execute(
                f"SELECT n FROM asked SEMI JOIN ({one}) USING (customer_id, event_timestamp)"
            ).fetchnumpy()["n"]
            mask = np.zeros(len(moments), dtype=np.bool_)
            mask[np.asarray(found, dtype=np.int64)] = True
            masks.append(mask)
    return masks
