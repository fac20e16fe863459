"""Splits that go forward in time and never share a customer.

Customers are ordered by sign-up: train < calibrate < test. A random split would flatter (see
the design), and a customer has several moments, so customers are cut and never rows.

The label of a moment is known only when its horizon has ended. Rows whose label was not yet
known when the test began are therefore left out of training and calibration: on that day nobody
could have trained on them.

A plain table without time has no later: `training.shuffled` cuts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.errors import DataError

TEST_SHARE = 0.22
CALIBRATE_SHARE = 0.15
FIRST_FOLD_SHARE = 0.4
ONE_FOLD_SHARE = 0.85  # a single fold is a hold-out of the latest
LEAST_ROWS = 30
LEAST_CLASSES = 2

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How much is held back: of the customers for the test, of the rest's rows to calibrate.

    With no rows to calibrate on, calibration uses out-of-fold predictions of the training rows;
    with no test, nothing is judged.
    """

    test: float = TEST_SHARE
    calibrate: float = CALIBRATE_SHARE


HELD_BACK = Shares()


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Row positions of each part, in the order of the frame.

    Attributes:
        test_from: sign-up time of the first test customer; without a test, after the last.
        test_starts: the first test moment; every label outside the test was known by then.
        embargoed: rows left out because their label was not.
    """

    train: Positions
    calibrate: Positions
    test: Positions
    test_from: pd.Timestamp
    test_starts: pd.Timestamp
    embargoed: int


def split(frame: pd.DataFrame, shares: Shares = HELD_BACK) -> Splits:
    """Cut labelled rows into train, calibrate and test.

    Args:
        frame: `customer_id`, `event_timestamp`, `signed_up_at`, `label`, `label_end`.
        shares: how much is held back.

    Raises:
        DataError: a part has too few rows or only one class; the error says which and why.
    """
    refuse_empty(frame)
    customers = frame.drop_duplicates("customer_id")
    test_from = start_of(customers["signed_up_at"], shares.test)
    in_test = (frame["signed_up_at"] >= test_from).to_numpy()
    last = frame["label_end"].max()
    test_starts = frame.loc[in_test, "event_timestamp"].min() if in_test.any() else last
    known = (frame["label_end"] <= test_starts).to_numpy()
    usable = frame[~in_test & known]
    # by rows and not by customers: late sign-ups have lost most of theirs to the embargo
    calibrate_from = (
        start_of(usable["signed_up_at"], shares.calibrate) if len(usable) else test_from
    )
    late = (frame["signed_up_at"] >= calibrate_from).to_numpy()
    found = Splits(
        train=np.flatnonzero(~in_test & known & ~late),
        calibrate=np.flatnonzero(~in_test & known & late),
        test=np.flatnonzero(in_test),
        test_from=test_from,
        test_starts=test_starts,
        embargoed=int((~in_test & ~known).sum()),
    )
    check(frame, found, shares)
    return found


def refuse_empty(frame: pd.DataFrame) -> None:
    if frame.empty:
        raise DataError(
            "There is nothing to train on.",
            found="No moment has a label yet.",
            do="Ingest more history: a label needs its whole horizon to have passed.",
        )


def start_of(times: pd.Series[pd.Timestamp], held_back: float) -> pd.Timestamp:
    """The time from which the last `held_back` of the entries lie; after all of them for none."""
    if held_back <= 0:
        return pd.Timestamp(times.max()) + pd.Timedelta(microseconds=1)
    return cut_at(times, 1 - held_back)


def cut_at(times: pd.Series[pd.Timestamp], share: float) -> pd.Timestamp:
    """The time before which about `share` of the entries lie; equal times stay together."""
    ordered = np.sort(times.to_numpy())
    place = min(int(len(ordered) * share), len(ordered) - 1)
    return pd.Timestamp(times.sort_values(kind="stable").iloc[place])


def check(frame: pd.DataFrame, splits: Splits, shares: Shares = HELD_BACK) -> None:
    """Refuse parts that cannot carry a model or a judgement; one that nobody asked for is fine."""
    rows = {"train": splits.train}
    rows |= {"calibrate": splits.calibrate} if shares.calibrate > 0 else {}
    rows |= {"test": splits.test} if shares.test > 0 else {}
    counts = ", ".join(f"{name} {len(positions)}" for name, positions in rows.items())
    counts += f", embargoed {splits.embargoed}"
    for name, positions in rows.items():
        if len(positions) < LEAST_ROWS:
            raise DataError(
                f"Too little data: the {name} part has {len(positions)} rows, "
                f"{LEAST_ROWS} are needed.",
                found=f"{len(frame)} labelled rows of {frame['customer_id'].nunique()} customers: "
                f"{counts}.",
                do="Ingest more history, or shorten the task's horizon.",
            )
        if frame["label"].iloc[positions].nunique() < LEAST_CLASSES:
            only = str(frame["label"].iloc[positions[0]])
            raise DataError(
                f"Only one class in the {name} part.",
                found=f"All {len(positions)} labels are {only!r} ({counts}).",
                do="Check the data set's vocabulary and the task's label and horizon.",
            )


def folds(frame: pd.DataFrame, count: int) -> tuple[tuple[Positions, Positions], ...]:
    """Expanding windows by sign-up inside the training rows: (fit, validate) positions.

    Fold i fits on every customer who signed up before its validation window. A window without
    two classes on either side is left out.

    Raises:
        DataError: no window can be used.
    """
    first = FIRST_FOLD_SHARE if count > 1 else ONE_FOLD_SHARE
    shares = np.linspace(first, 1, count + 1)[:-1]
    edges = [cut_at(frame["signed_up_at"], share) for share in shares]
    signed_up, labels = frame["signed_up_at"], frame["label"]
    found = []
    for i, start in enumerate(edges):
        before = (signed_up < start).to_numpy()
        inside = ~before
        if i + 1 < len(edges):
            inside &= (signed_up < edges[i + 1]).to_numpy()
        if min(labels[before].nunique(), labels[inside].nunique()) >= LEAST_CLASSES:
            found.append((np.flatnonzero(before), np.flatnonzero(inside)))
    if not found:
        raise DataError(
            "The training rows cannot be cut into forward folds.",
            found=f"{len(frame)} rows of {frame['customer_id'].nunique()} customers; "
            "no window has two classes before it and in it.",
            do="Ingest more history.",
        )
    return tuple(found)
