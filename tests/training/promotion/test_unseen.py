"""Which rows may judge: the trap of a table split afresh, and that it is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from lifecycle.gate import AtLeast, Evidence, Gate, judge
from lifecycle.row_keys import Keys, row_keys
from tests.training.conftest import NUMBERS, START, make_frame
from training.promotion.unseen import after, overlap
from training.splits import Splits, split

GATE = Gate(rules=(AtLeast("roc_auc", 0.5),), least_rows=50, least_positives=10)
NO_KEYS: Keys = np.array([], dtype=np.uint64)


@dataclass(frozen=True, kw_only=True)
class Version:
    facts: Mapping[str, Any] = field(default_factory=dict)
    keys: Keys = field(default_factory=lambda: NO_KEYS)


def version(frame: pd.DataFrame, splits: Splits) -> Version:
    """What training writes of a version: see `training.candidate`."""
    seen = np.concatenate([splits.train, splits.calibrate])
    return Version(
        facts={
            "test_signed_up_from": splits.test_from.isoformat(),
            "labels_known_until": splits.test_starts.isoformat(),
        },
        keys=np.unique(row_keys(frame.iloc[seen])),
    )


@pytest.fixture(scope="module")
def grown() -> pd.DataFrame:
    """All rows; the champion knew those whose label had ended by day 75."""
    return make_frame(customers=900, signal=0.8)


def known_by(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    return frame[frame["label_end"] <= START + timedelta(days=days)].reset_index(drop=True)


@dataclass(frozen=True, kw_only=True)
class Trapped:
    """A champion of a random split, and a validation part of the grown table split afresh."""

    champion: Version
    model: ExtraTreesClassifier
    validation: pd.DataFrame

    def auc(self, rows: pd.DataFrame) -> float:
        p = self.model.predict_proba(rows[list(NUMBERS)].fillna(0.0))[:, 1]
        return float(roc_auc_score(rows["label"].astype(bool), p))


@pytest.fixture(scope="module")
def trapped(grown: pd.DataFrame) -> Trapped:
    draw = np.random.default_rng(4)
    early = known_by(grown, 75)
    train = early[draw.random(len(early)) < 0.7]
    model = ExtraTreesClassifier(n_estimators=60, random_state=0, n_jobs=1)
    model.fit(train[list(NUMBERS)].fillna(0.0), train["label"].astype(bool))
    return Trapped(
        champion=Version(keys=row_keys(train)),
        model=model,
        validation=grown[draw.random(len(grown)) < 0.3],
    )


def test_the_trap(trapped: Trapped) -> None:
    """A third of the fresh validation rows are the champion's own: no challenger could win."""
    seen = overlap(trapped.validation, [trapped.champion])
    assert 0.3 < seen / len(trapped.validation) < 0.6
    mine = np.isin(row_keys(trapped.validation), trapped.champion.keys)
    assert seen == mine.sum()
    honest = trapped.auc(trapped.validation[~mine])
    assert trapped.auc(trapped.validation) > honest + 0.05


def test_the_trap_is_not_a_pass(trapped: Trapped) -> None:
    """One seen row among hundreds, and the gate does not judge, whatever the metrics are."""
    mine = np.isin(row_keys(trapped.validation), trapped.champion.keys)
    others, one = trapped.validation[~mine], trapped.validation[mine].head(1)
    for rows, expected in ((others, "promote"), (pd.concat([others, one]), "cannot judge")):
        found = Evidence(
            rows=len(rows), positives=int(rows["label"].sum()),
            seen=overlap(rows, [trapped.champion]), metrics={"roc_auc": 1.0},
        )  # fmt: skip
        assert judge(GATE, found).decision == expected


def test_ours_is_not_caught(grown: pd.DataFrame) -> None:
    """Champion of the early table, challenger of the grown one: what judges, neither has seen."""
    early = known_by(grown, 75)
    both = [version(early, split(early)), version(grown, split(grown))]
    rows = grown[after(grown, both)]
    assert len(rows) > 100
    assert overlap(rows, both) == 0
    assert len(rows) < after(grown, both[:1]).sum()  # a champion alone leaves more
    assert rows["customer_id"].isin(early["customer_id"].iloc[split(early).train]).sum() == 0


def test_calibration_rows_are_seen_rows(grown: pd.DataFrame) -> None:
    """What a model was calibrated on flatters it too."""
    splits = split(grown)
    one = version(grown, splits)
    for part in (splits.train, splits.calibrate):
        assert overlap(grown.iloc[part], [one]) == len(part) > 0
    assert overlap(grown.iloc[splits.test], [one]) == 0


def test_a_version_that_says_nothing_is_not_believed(grown: pd.DataFrame) -> None:
    """Without the times that it learned until, there is no later row."""
    with pytest.raises(KeyError, match="test_signed_up_from"):
        after(grown, [Version()])


def test_a_key_is_eight_bytes(grown: pd.DataFrame, tmp_path: Path) -> None:
    """8 MB for a million rows, and a header."""
    keys = np.unique(row_keys(grown))
    np.save(tmp_path / "row_keys.npy", keys)
    assert (tmp_path / "row_keys.npy").stat().st_size == 8 * len(grown) + 128


HOURS = st.none() | st.integers(0, 5)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), HOURS, HOURS), min_size=1, max_size=20)
TOLD = st.tuples(st.integers(0, 5), st.integers(0, 5), st.sets(st.integers(0, 19)))


def at(hour: int | None) -> pd.Timestamp:
    return pd.NaT if hour is None else pd.Timestamp(datetime(2026, 1, 1, hour, tzinfo=UTC))


@given(ROWS, st.lists(TOLD, max_size=3))
@settings(deadline=None, max_examples=40)
def test_both_checks_are_what_they_say(
    rows: list[tuple[str, int | None, int | None]], told: list[tuple[int, int, set[int]]]
) -> None:
    """Row by row in plain Python, whatever is missing and whoever has seen what."""
    frame = pd.DataFrame(
        {
            "customer_id": [who for who, _, _ in rows],
            "signed_up_at": pd.DatetimeIndex([at(hour) for _, hour, _ in rows], tz="UTC"),
            "event_timestamp": pd.DatetimeIndex([at(hour) for *_, hour in rows], tz="UTC"),
        }
    )
    keys = row_keys(frame.fillna({"event_timestamp": at(0)}))
    versions = [
        Version(
            facts={"test_signed_up_from": str(at(a)), "labels_known_until": str(at(b))},
            keys=np.unique(keys[[n for n in seen if n < len(rows)]]),
        )
        for a, b, seen in told
    ]
    expected = [
        signed is not None and moment is not None
        and all(signed >= a and moment >= b for a, b, _ in told)
        for _, signed, moment in rows
    ]  # fmt: skip
    later = after(frame, versions)
    assert later.tolist() == expected
    names = [(who, moment or 0) for who, _, moment in rows]
    learned = {names[n] for *_, seen in told for n in seen if n < len(rows)}
    whole = frame.fillna({"event_timestamp": at(0)})
    assert overlap(whole, versions) == sum(name in learned for name in names)
