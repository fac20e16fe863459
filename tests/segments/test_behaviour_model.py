"""A stored model assigns as it was fitted, says what it lacks, and notices damage."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.mixture import GaussianMixture

from lifecycle.errors import DataError
from segments.behaviour_model import BehaviourModel, Column, Segment, from_json
from segments.clusterings import ByMixture


def column(name: str, **facts: object) -> Column:
    plain = {"scale": "plain", "fill": 0.0, "low": -9.0, "high": 9.0, "mean": 0.0, "sd": 1.0}
    return Column(
        feature=name, definition="d", side=name, weight=1.0, high_words=f"high {name}",
        low_words=f"low {name}", **{**plain, **facts},  # type: ignore[arg-type]  # facts of a test
    )  # fmt: skip


def segment(name: str, *centre: float, **facts: object) -> Segment:
    means = {f"{axis} plain d": value for axis, value in zip("abcdef", centre, strict=False)}
    return Segment(
        name=name, description=name, centre=centre, means=means, size=10,
        **facts,  # type: ignore[arg-type]  # facts of a test
    )  # fmt: skip


MODEL = BehaviourModel(
    version="1-abc",
    algorithm="k-means",
    columns=(column("a"), column("b", fill=5.0)),
    segments=(segment("near", 0.0, 0.0), segment("far", 5.0, 5.0)),
    digest="x",
    fitted={"k": 2},
)


def rows(a: list[float | None], b: list[float | None]) -> pa.Table:
    return pa.table({"b": pa.array(b, pa.float64()), "a": pa.array(a, pa.float64())})


def test_nearest_centre() -> None:
    """Columns are found by name, and the nearest centre gives the segment."""
    assert MODEL.assign(rows([0.1, 4.0, 9.0], [0.3, 4.5, -9.0])) == ["near", "far", "near"]
    assert (MODEL.features, MODEL.names) == (("a", "b"), ("near", "far"))


def test_gaps_count_as_the_fill() -> None:
    """A missing or infinite value counts as the fitted one; a row of gaps has no segment."""
    found = MODEL.assign(rows([4.0, 0.0, None, None], [None, float("inf"), None, 0.0]))
    assert found == ["far", "near", None, "near"]


def test_lacking_features_are_named() -> None:
    """Rows without a feature are refused with its name."""
    with pytest.raises(DataError, match=r"tell no behaviour segment\. They lack b\."):
        MODEL.assign(rows([1.0], [1.0]).drop_columns(["b"]))


def test_no_rows() -> None:
    """Nobody asked, nobody assigned."""
    assert MODEL.assign(rows([], [])) == []


def test_mixture_assigns_like_scikit_learn() -> None:
    """The stored form of a mixture gives the component that scikit-learn predicts."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(200, 2)) * [3, 0.5] + [3, 1]])
    form = ByMixture().fit(x, 2, seed=0)
    assert form.roots is not None
    assert form.biases is not None
    facts = zip(form.centres.tolist(), form.roots.tolist(), form.biases.tolist(), strict=True)
    parts = tuple(
        segment(str(at), *centre, root=tuple(map(tuple, root)), bias=bias)
        for at, (centre, root, bias) in enumerate(facts)
    )
    stored = from_json(replace(MODEL, segments=parts).to_json())
    theirs = GaussianMixture(2, random_state=0, reg_covar=1e-3, max_iter=50, tol=1e-2).fit(x)
    ours = stored.assign(pa.table({"a": x[:, 0], "b": x[:, 1]}))
    assert ours == [str(one) for one in theirs.predict(x)]


def test_json_keeps_every_bit() -> None:
    """What is read back is equal and has the same definition."""
    odd = replace(MODEL, segments=(segment("ü", 0.1 + 0.2, 1e-300), MODEL.segments[1]))
    assert from_json(odd.to_json()) == odd
    assert from_json(odd.to_json()).definition == odd.definition != MODEL.definition


@pytest.mark.parametrize(
    "change",
    [
        {"segments": (segment("other", 0.0, 0.0), MODEL.segments[1])},
        {"segments": (segment("near", 0.0, 0.1), MODEL.segments[1])},
        {"columns": (column("a"), column("b", fill=4.0))},
        {"columns": (column("a", scale="log"), MODEL.columns[1])},
    ],
)
def test_whatever_decides_is_in_the_definition(change: dict[str, object]) -> None:
    """A name, a centre, a fill or a scale: each change is another definition."""
    assert replace(MODEL, **change).definition != MODEL.definition  # type: ignore[arg-type]


def test_what_does_not_decide_is_not() -> None:
    """Another version number or another figure for people is the same definition."""
    assert replace(MODEL, version="2-x", fitted={}, digest="y").definition == MODEL.definition


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "JSONDecodeError"),
        ('{"version": "1"}', "KeyError"),
        (json.dumps({**json.loads(MODEL.to_json()), "columns": []}), "not those it was stored"),
    ],
)
def test_damage_is_noticed(text: str, found: str) -> None:
    """A file that is cut, foreign or changed by hand is refused, with the way out."""
    with pytest.raises(DataError, match=found) as raised:
        from_json(text)
    assert "segments/history" in str(raised.value)
