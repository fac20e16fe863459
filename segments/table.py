"""Segments as a table: its features, its SQL and where it lies.

The SQL reads one relation, `rows`: the built features of some moments, one row a moment. A
million rows and one customer are the same SQL over relations of different size, so a segment
means the same in a campaign's list and in one customer's answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from features.bounded import bounded_db
from features.feature import Derived, Feature, View
from features.sql import fingerprint
from features.tables import Table, tables
from lifecycle.errors import OnrampError
from lifecycle.home import Home
from lifecycle.sql import identifier, literal
from segments.behaviour import BehaviourModel, load
from segments.behaviour_store import current_file
from segments.plan import LIFECYCLE, RFM, Named, Plan, plan_of
from segments.rfm import RfmEdges, newest, score_sql
from segments.rule import Rule

VIEW: View = "customer_segments"
BEHAVIOUR = "behaviour_segment"


@dataclass(frozen=True, kw_only=True)
class SegmentTable:
    """What is computed, of what, and where it goes.

    Attributes:
        outdated: behaviour segments were learnt, of features that mean something else now.
    """

    plan: Plan
    edges: RfmEdges | None
    model: BehaviourModel | None
    outdated: bool
    table: Table
    sources: tuple[Table, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known before the segments are used."""
        learn = "behaviour segments know older features; learn them anew by `onramp segments fit`"
        edges = self.edges.notes() if self.edges else ()
        return (*edges, learn) if self.outdated else edges

    @property
    def inputs(self) -> tuple[str, ...]:
        """Features that `evaluate` reads, each once."""
        learnt = self.model.features if self.model else ()
        return tuple(dict.fromkeys((*self.plan.features, *learnt)))

    @property
    def groups(self) -> tuple[tuple[str, tuple[Named, ...]], ...]:
        """Columns of which a customer is in exactly one group → the groups, in their order."""
        named = [(LIFECYCLE, self.plan.lifecycle)]
        if self.edges and self.plan.rfm:
            named.append((RFM, self.plan.rfm.names))
        if self.model:
            named.append((BEHAVIOUR, tuple(learnt(name) for name in self.model.names)))
        return tuple((column, groups) for column, groups in named if groups)


def learnt(name: str) -> Named:
    return Named(name=name, label=name, description="Learnt from behaviour", rule=None)


def segment_table(home: Home, *, edges: RfmEdges | None = None) -> SegmentTable:
    """The home's segments as they are defined now.

    Args:
        home: with a data set.
        edges: of a fit that is not stored yet; default: the newest stored one.

    Raises:
        RuleError: a rule cannot be read.
    """
    plan, model = plan_of(home), load(home)
    if edges is None and plan.rfm:
        edges = newest(home, plan.rfm.scores)
    sources = tables(home, home.dataset())
    features = tuple(features_of(plan, edges, model))
    sql = rows_sql(features, edges)
    below = [table.folder.name for table in sources]
    name = fingerprint(repr((below, sql, model.definition if model else "")))
    marker = f"{VIEW}_moment_{name[:8]}"
    table = Table(
        view=VIEW,
        features=features,
        sql=f"SELECT *, epoch_us(event_timestamp)::DOUBLE AS {marker} FROM ({sql})",
        marker=marker,
        folder=home.features / VIEW / name,
        quarantine=home.quarantine / "features" / VIEW / name,
    )
    return SegmentTable(
        plan=plan, edges=edges, model=model, table=table, sources=sources,
        outdated=model is None and current_file(home).exists(),
    )  # fmt: skip


def stored(home: Home) -> tuple[Table, ...]:
    """The table of segments for whoever tells Feast: none unless it is built as defined now.

    None either when the definition cannot be read: what is wrong with a segment is said where
    segments are built, and keeps nobody from a model's features.
    """
    try:
        table = segment_table(home).table
    except OnrampError:
        return ()
    return (table,) if table.parts() else ()


def earlier(home: Home) -> tuple[Table, ...]:
    """The built tables of any definition, by where they lie; what they hold is in their parts.

    For whoever clears away: while `stored` gives none, nobody can tell which of them is read.
    """
    return tuple(
        Table(
            view=VIEW, features=(), sql="", marker="", folder=folder,
            quarantine=home.quarantine / "features" / VIEW / folder.name,
        )
        for folder in sorted((home.features / VIEW).glob("*"))
    )  # fmt: skip


def features_of(
    plan: Plan, edges: RfmEdges | None, model: BehaviourModel | None
) -> Iterator[Feature]:
    for one in plan.segments:
        if one.rule:
            yield segment_feature(one, one.rule)
    if plan.lifecycle:
        yield category(LIFECYCLE, "Stage of the customer's life with us", case_sql(plan.lifecycle))
    if edges and plan.rfm:
        scores = [(role, score_sql(role, one.feature, one.edges))
                  for role, one in edges.scores.items()]  # fmt: skip
        for role, sql in scores:
            yield Feature(
                name=f"rfm_{role}", type="number", aggregate=Derived(sql), at_least=1.0,
                at_most=5.0, unit="points", view=VIEW, needs=(edges.scores[role].feature,),
                meaning=f"{role.capitalize()} in fifths of the customers, 5 the best",
            )  # fmt: skip
        if plan.rfm.names:
            meaning = "What recency and frequency say together"
            yield category(RFM, meaning, case_sql(plan.rfm.names))
    if model:
        yield category(BEHAVIOUR, "Segment learnt from behaviour", identifier(BEHAVIOUR))


def segment_feature(one: Named, rule: Rule) -> Feature:
    return Feature(
        name=f"segment_{one.name}", type="number",
        aggregate=Derived(f"({rule.sql})::INTEGER::DOUBLE"), at_least=0.0, at_most=1.0,
        view=VIEW, needs=rule.features, meaning=f"{one.label}: {rule.text}",
    )  # fmt: skip


def category(name: str, meaning: str, sql: str) -> Feature:
    return Feature(name=name, type="category", aggregate=Derived(sql), meaning=meaning, view=VIEW)


def case_sql(groups: tuple[Named, ...]) -> str:
    """The first group whose rule is met; the last one has no rule and takes the others."""
    cases = [
        f"WHEN {one.rule.sql} THEN {literal(one.name)}" if one.rule else f"ELSE {literal(one.name)}"
        for one in groups
    ]
    return f"CASE {' '.join(cases)} END"


def rows_sql(features: tuple[Feature, ...], edges: RfmEdges | None) -> str:
    """Scores first: the classes are told by them."""
    inner = [one for one in features if edges and one.name.removeprefix("rfm_") in edges.scores]
    scores = "".join(f", {expression(one)} AS {identifier(one.name)}" for one in inner)
    outer = [identifier(one.name) if one in inner
             else f"{expression(one)} AS {identifier(one.name)}"
             for one in features]  # fmt: skip
    chosen = ",\n  ".join(
        ["customer_id", "event_timestamp", "event_timestamp AS created_at", *outer]
    )
    return f"SELECT {chosen}\nFROM (SELECT *{scores} FROM rows)"


def expression(feature: Feature) -> str:
    if not isinstance(feature.aggregate, Derived):
        message = f"{feature.name} is no feature of segments"
        raise TypeError(message)
    return feature.aggregate.expression


def evaluate(segments: SegmentTable, rows: pa.Table) -> pa.Table:
    """The segments of some moments.

    Args:
        segments: what to compute.
        rows: customer_id, event_timestamp and `segments.inputs`; one row a moment, one or many.

    Returns:
        `segments.table.schema`, in the order of the rows.
    """
    if segments.model:
        found = segments.model.assign(rows)
        rows = rows.append_column(BEHAVIOUR, pa.array(found, pa.string()))
    with bounded_db(segments.table.folder) as db:
        db.register("rows", rows)
        found = db.sql(segments.table.sql).to_arrow_table()
    return found.cast(segments.table.schema).replace_schema_metadata(None)
