"""Learns behaviour segments: rows in, a stored version and a run in MLflow out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from lifecycle import tracking
from lifecycle.home import Home
from lifecycle.lock import held
from lifecycle.progress import Progress
from segments import behaviour_record, behaviour_store, quality
from segments.behaviour import up_to_date
from segments.behaviour_choice import choose
from segments.behaviour_model import (
    BehaviourModel,
    Column,
    Matrix,
    Segment,
    definition_of,
    facts_of,
    on_scale,
    raw_matrix,
    to_space,
)
from segments.behaviour_report import Candidate, Change, FitReport, Found, Origin
from segments.behaviour_rows import Snapshot, behaviour_table, fit_columns, snapshot
from segments.clusterings import FRESH, ByMiniBatchFurther, Clustering, Form
from segments.naming import Named, name_all

EXPERIMENT = "segments"


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was tried on one snapshot.

    Attributes:
        raw: the columns' values, NaN where missing, shape (customers, columns).
        x: the customers in the space of the columns, shape as `raw`.
        form: of the candidate that was chosen.
    """

    snapshot: Snapshot
    columns: tuple[Column, ...]
    raw: Matrix
    x: Matrix
    digest: str
    candidates: tuple[Candidate, ...] = ()
    chosen: Candidate | None = None
    form: Form | None = None


def fit(home: Home, *, as_of: datetime, seed: int, progress: Progress) -> FitReport:
    """Learn, store and record; see `segments.behaviour.fit`."""
    started = time.perf_counter()
    # Two threads add up in another order from run to run: one gives the same bits each time.
    with held(home.locks / "behaviour.db", "Fitting behaviour segments"), threadpool_limits(1):
        before = behaviour_store.read(home)
        study = explore(prepare(home, as_of), before, seed, progress)
        named = name(study, before)
        model = model_of(home, study, named, before) if named else None
        report = report_of(home, study, as_of, before, (model, named))
        report = replace(report, seconds=time.perf_counter() - started)
        tags = {"onramp.kind": "behaviour segments", "onramp.stored": str(report.stored)}
        with tracking.run(home, EXPERIMENT, f"behaviour {as_of:%Y-%m-%d}", tags) as run:
            report = replace(report, run_id=run.run_id)
            behaviour_record.log(run, behaviour_record.Fit(home=home, seed=seed, x=study.x,
                                 digest=study.digest, report=report, model=model))  # fmt: skip
            if report.stored and model:
                behaviour_store.write(home, model)
    return report


def prepare(home: Home, as_of: datetime) -> Study:
    """Read the customers and learn how each feature enters."""
    found = snapshot(home, as_of)
    chosen = choose(behaviour_table(home).features)
    names = tuple(one.feature.name for one in chosen)
    columns = fit_columns(raw_matrix(found.rows, names), chosen)
    raw = raw_matrix(found.rows, tuple(column.feature for column in columns))
    return Study(
        snapshot=found, columns=columns, raw=raw, x=to_space(raw, columns),
        digest=found.digest(names),
    )  # fmt: skip


def explore(study: Study, before: BehaviourModel | None, seed: int, progress: Progress) -> Study:
    """Try every clustering with every number of segments, and judge them."""
    # Where all customers are alike in everything, there is nothing to try.
    ks = quality.KS if study.columns else ()
    further = continued(study, before) if before else None
    clusterings: list[tuple[Clustering, int]] = [(one, k) for one in FRESH for k in ks]
    if further and len(further.centres) in ks:
        clusterings.append((further, len(further.centres)))
    tried = []
    with progress("behaviour segments", len(ks) + len(clusterings)) as advance:
        clouds = {}
        for k in ks:
            clouds[k] = quality.cloud_silhouette(study.x, k, seed)
            advance(1)
        for clustering, k in clusterings:
            tried.append(quality.measure(study.x, clustering, k, seed, clouds[k]))
            advance(1)
    judged = quality.judge([one.candidate for one in tried], ByMiniBatchFurther.name)
    at = next((n for n, one in enumerate(judged) if one.verdict == "chosen"), None)
    if at is None:
        return replace(study, candidates=tuple(judged))
    return replace(study, candidates=tuple(judged), chosen=judged[at], form=tried[at].form)


def continued(study: Study, before: BehaviourModel) -> ByMiniBatchFurther | None:
    """Online K-Means from the centres in force; none where the space is another one.

    On the very rows that the centres were fitted on nothing is new, and they stay.
    """
    same_space = [c.key for c in before.columns] == [c.key for c in study.columns]
    if not same_space or any(one.root is not None for one in before.segments):
        return None
    still = before.digest == study.digest and before.columns == study.columns
    centres = np.array([one.centre for one in before.segments])
    if not still:
        mean, sd, weight = facts_of(before.columns)
        now_mean, now_sd, now_weight = facts_of(study.columns)
        centres = ((centres / weight * sd + mean) - now_mean) / now_sd * now_weight
    sizes = np.array([float(one.size) for one in before.segments])
    return ByMiniBatchFurther(centres=centres, sizes=sizes, still=still)


def name(study: Study, before: BehaviourModel | None) -> Named | None:
    """Turn the winner into named segments, the largest first; none where nothing won."""
    if study.form is None:
        return None
    labels = study.form.labels(study.x)
    values = on_scale(study.raw, study.columns)
    found = [segment(study, study.form, at, values[labels == at]) for at in range(len(study.form))]
    found.sort(key=lambda one: (-one.size, one.centre))
    past = before.past if before else ()
    return name_all(found, study.columns, before.segments if before else (), past)


def segment(study: Study, form: Form, at: int, values: Matrix) -> Segment:
    """The form's cluster `at`, whose customers have these values on the columns' scales."""
    means = dict(zip((c.key for c in study.columns), values.mean(axis=0).tolist(), strict=True))
    if form.roots is None or form.biases is None:
        root, bias = None, 0.0
    else:
        root, bias = tuple(map(tuple, form.roots[at].tolist())), float(form.biases[at])
    return Segment(
        name="", description="", centre=tuple(form.centres[at].tolist()), root=root, bias=bias,
        means=means, size=len(values),
    )  # fmt: skip


def model_of(
    home: Home, study: Study, named: Named, before: BehaviourModel | None
) -> BehaviourModel:
    """The version to store; the one in force where it would decide the same."""
    definition = definition_of(study.columns, named.segments)
    if before is not None and before.definition == definition:
        return before
    chosen = study.chosen
    return BehaviourModel(
        version=behaviour_store.next_version(home, definition),
        algorithm=chosen.algorithm if chosen else "",
        columns=study.columns,
        segments=named.segments,
        past=named.past,
        digest=study.digest,
        fitted=vars(chosen) if chosen else {},
    )


def report_of(
    home: Home,
    study: Study,
    as_of: datetime,
    before: BehaviourModel | None,
    now: tuple[BehaviourModel | None, Named | None],
) -> FitReport:
    """Everything but the time it took and the run."""
    model, named = now
    in_force = model or before
    rows, whole = study.snapshot.rows.num_rows, study.snapshot.customers
    origin: dict[str, Origin] = {}
    if named:
        origin |= dict.fromkeys(named.kept, "kept")
        origin |= dict.fromkeys(named.returned, "returned")
    segments = tuple(
        Found(name=one.name, description=one.description, origin=origin.get(one.name, "new"),
              customers=round(one.size / rows * whole), share=one.size / rows)
        for one in (named.segments if named else ())
    )  # fmt: skip
    comparable = before is not None and up_to_date(before, behaviour_table(home).features)
    return FitReport(
        as_of=as_of, version=in_force.version if in_force else None,
        stored=model is not None and model is not before, chosen=study.chosen, customers=whole,
        clustered=rows, features=tuple(column.feature for column in study.columns),
        segments=segments, warnings=tuple(one.warning() for one in segments if one.small),
        candidates=study.candidates, seconds=0.0,
        change=compare(before, model, study.snapshot.rows, named.lost if named else ())
        if before and model and comparable else None,
    )  # fmt: skip


def compare(
    before: BehaviourModel, model: BehaviourModel, rows: pa.Table, lost: Sequence[str]
) -> Change:
    """How the two group the same rows."""
    was, now = before.assign(rows), model.assign(rows)
    both = [(a, b) for a, b in zip(was, now, strict=True) if a is not None and b is not None]
    old, new = zip(*both, strict=True) if both else ((), ())
    return Change(
        ari=float(adjusted_rand_score(old, new)),
        moved=sum(a != b for a, b in both),
        compared=len(both),
        lost=tuple(lost),
    )
