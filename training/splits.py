"""Splits that go forward in time and never share a customer.

Customers are ordered by sign-up: train < calibrate < test. A random split would flatter (see
the design), and a customer has several moments, so customers are cut and never rows.

The label of a moment is known only when its horizon has ended. Rows whose label was not yet
known when the test began are therefore left out of training and calibration: on that day nobody
could have trained on them.

A plain table without time has no later: `training.shuffled` cuts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lifecycle.errors import DataError
from training.jury import Chosen, jurors, jury_from

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
    with no test, nothing is judged. A retrain learns from the newest rows it can
    (`training.newest`): there the shares are only the most that is held back.

    Attributes:
        enough: rows of the rarest class that a test needs; 0: its whole share.
        enough_to_calibrate: the same of the rows to calibrate on.
        embargo: whether rows are left out whose label was not known when the test began. Without,
            what is learned ends where the test begins, and customers are apart all the same.
        days: how far back from the test is learned from; 0: as far as there is anything.
        jury: of the customers who signed up before the test's and have moments in it, the share
            that judges (`training.jury`).
    """

    test: float = TEST_SHARE
    calibrate: float = CALIBRATE_SHARE
    enough: int = 0
    enough_to_calibrate: int = 0
    embargo: bool = True
    days: int = 0
    jury: float = 0.0


HELD_BACK = Shares()


def shares_of(facts: Mapping[str, Any]) -> Shares:
    """What a version held back, by its facts; those that do not say did as is usual."""
    return Shares(**facts["shares"]) if "shares" in facts else HELD_BACK


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Row positions of each part, in the order of the frame.

    Attributes:
        test_from: sign-up time of the first test customer; without a test, after the last.
        test_starts: the first test moment; every label outside the test was known by then, or
            without an embargo every moment outside the test came before.
        embargoed: rows left out because it was not, or because their customer is in the jury.
        outdated: rows left out because they are older than what is to be learned from.
        jury_from: sign-up time of the first who may be in the jury; None: there is none.
    """

    train: Positions
    calibrate: Positions
    test: Positions
    test_from: pd.Timestamp
    test_starts: pd.Timestamp
    embargoed: int
    outdated: int = 0
    jury_from: pd.Timestamp | None = None


def split(frame: pd.DataFrame, shares: Shares = HELD_BACK) -> Splits:
    """Cut labelled rows into train, calibrate and test.

    Args:
        frame: `customer_id`, `event_timestamp`, `signed_up_at`, `label`, `label_end`.
        shares: how much is held back.

    Raises:
        DataError: a part has too few rows or only one class; the error says which and why.
    """
    refuse_empty(frame)
    test_from = start_of_test(frame, shares)
    in_test = (frame["signed_up_at"] >= test_from).to_numpy()
    last = frame["label_end"].max()
    test_starts = frame.loc[in_test, "event_timestamp"].min() if in_test.any() else last
    if shares.embargo or not in_test.any():
        known = (frame["label_end"] <= test_starts).to_numpy()
    else:
        known = (frame["event_timestamp"] < test_starts).to_numpy()
    jury, since_when = in_jury(frame, shares, test_starts)
    in_test |= jury & (frame["event_timestamp"] >= test_starts).to_numpy()
    recent = np.ones(len(frame), dtype=bool)
    if shares.days:
        since = test_starts - pd.Timedelta(days=shares.days)
        recent = (frame["event_timestamp"] >= since).to_numpy()
    known &= ~jury
    learned = ~in_test & known & recent
    calibrate_from = start_of_calibration(frame[learned], shares, test_from)
    late = (frame["signed_up_at"] >= calibrate_from).to_numpy()
    found = Splits(
        train=np.flatnonzero(learned & ~late),
        calibrate=np.flatnonzero(learned & late),
        test=np.flatnonzero(in_test),
        test_from=test_from,
        test_starts=test_starts,
        embargoed=int((~in_test & ~known).sum()),
        outdated=int((~in_test & known & ~recent).sum()),
        jury_from=since_when,
    )
    check(frame, found, shares)
    return found


def in_jury(
    frame: pd.DataFrame, shares: Shares, test_starts: pd.Timestamp
) -> tuple[Chosen, pd.Timestamp | None]:
    """Rows of customers who may have moments in the test and are set apart to judge."""
    if not shares.jury:
        return np.zeros(len(frame), dtype=bool), None
    since = jury_from(frame, test_starts)
    late = (frame["signed_up_at"] >= since).to_numpy()
    return late & jurors(frame["customer_id"], shares.jury), since


def start_of_test(frame: pd.DataFrame, shares: Shares) -> pd.Timestamp:
    """The sign-up time from which customers are the test's."""
    share = start_of(frame.drop_duplicates("customer_id")["signed_up_at"], shares.test)
    return max(share, start_of_enough(frame, shares.enough)) if shares.enough else share


def start_of_calibration(
    usable: pd.DataFrame, shares: Shares, otherwise: pd.Timestamp
) -> pd.Timestamp:
    """The sign-up time from which usable rows calibrate.

    By rows and not by customers: late sign-ups have lost most of theirs to the embargo.
    """
    if not len(usable):
        return otherwise
    share = start_of(usable["signed_up_at"], shares.calibrate)
    if not shares.enough_to_calibrate or shares.calibrate <= 0:
        return share
    return max(share, start_of_enough(usable, shares.enough_to_calibrate))


def start_of_enough(frame: pd.DataFrame, enough: int) -> pd.Timestamp:
    """The latest sign-up time after which the rarest class has so many rows; or the first.

    Args:
        frame: `signed_up_at` and `label`.
        enough: rows, above zero.
    """
    newest = frame.sort_values("signed_up_at", ascending=False, kind="stable")
    first = pd.Timestamp(newest["signed_up_at"].iloc[-1])
    places = [
        np.flatnonzero((newest["label"] == label).to_numpy()) for label in newest["label"].unique()
    ]
    if min(map(len, places)) < enough:
        return first
    needed = max(int(found[enough - 1]) for found in places)
    return pd.Timestamp(newest["signed_up_at"].iloc[needed])


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
