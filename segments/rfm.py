"""Recency, frequency and monetary value as scores from 1 to 5.

The edges between the scores are the quintiles of the customers at one moment. They are fitted
once and kept: a score that moved because the others moved would say nothing of the customer.
A customer's score is then a function of that customer's own features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from features.feature import Feature
from lifecycle.home import Home
from lifecycle.sql import identifier
from lifecycle.whole import write_whole

SCORES = 5
QUINTILES = [0.2, 0.4, 0.6, 0.8]
LEAST_CUSTOMERS = 100


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Of one feature: a value above n of the edges is in the (n + 1)th fifth.

    Attributes:
        definition: of the feature at the time of the fit; another one needs other edges.
        given: scores that some customer had at the fit. Equal values have equal scores, so
            where many share one value some scores go to nobody.
    """

    feature: str
    definition: str
    edges: tuple[float, ...]
    distinct: int
    given: tuple[int, ...]

    def note(self) -> str:
        """What is to be known before the scores are read; empty when nothing."""
        if len(self.given) == SCORES:
            return ""
        given = ", ".join(map(str, self.given)) or "none"
        return f"{self.feature} has {self.distinct} different values: scores given are {given}"


@dataclass(frozen=True, kw_only=True)
class RfmEdges:
    """One fit: role → edges."""

    version: int
    fitted_at: str
    customers: int
    scores: Mapping[str, Edges]

    def notes(self) -> tuple[str, ...]:
        few = (
            f"edges come from {self.customers} customers only; fit again with --refit later"
            if self.customers < LEAST_CUSTOMERS
            else ""
        )
        return tuple(note for note in (few, *(one.note() for one in self.scores.values())) if note)


def fit(
    db: duckdb.DuckDBPyConnection,
    population: str,
    scores: Mapping[str, Feature],
    *,
    version: int,
    as_of: datetime,
) -> RfmEdges:
    """Edges of a population.

    Args:
        db: a connection.
        population: a relation with one row a customer.
        scores: role → feature.
        version: the number of this fit.
        as_of: when the population was as it is.
    """
    ((customers,),) = db.execute(f"SELECT count(*) FROM {population}").fetchall()
    return RfmEdges(
        version=version,
        fitted_at=as_of.isoformat(),
        customers=customers,
        scores={role: edges_of(db, population, feature, role) for role, feature in scores.items()},
    )


def edges_of(db: duckdb.DuckDBPyConnection, population: str, feature: Feature, role: str) -> Edges:
    name = identifier(feature.name)
    ((found, distinct),) = db.execute(
        f"SELECT quantile_disc({name}, {QUINTILES}), count(DISTINCT {name}) FROM {population}"
    ).fetchall()
    edges = tuple(float(edge) for edge in found or ())
    score = score_sql(role, feature.name, edges)
    given = db.execute(
        f"SELECT DISTINCT ({score})::INTEGER AS score FROM {population} ORDER BY score"
    ).fetchall()
    return Edges(
        feature=feature.name, definition=feature.definition, edges=edges, distinct=distinct,
        given=tuple(score for (score,) in given),
    )  # fmt: skip


def score_sql(role: str, feature: str, edges: tuple[float, ...]) -> str:
    """1 to 5, 5 the best; who has no value is among the worst. Few days since are good."""
    if not edges:
        return "1::DOUBLE"
    value = identifier(feature)
    above = " + ".join(f"({value} > {edge!r}::DOUBLE)::INTEGER" for edge in edges)
    score = f"{SCORES} - ({above})" if role == "recency" else f"1 + ({above})"
    return f"coalesce({score}, 1)::DOUBLE"


def newest(home: Home, scores: Mapping[str, Feature]) -> RfmEdges | None:
    """The newest fit, if it is of these features as they are defined now."""
    files = fits(home)
    if not files:
        return None
    found = read(files[-1])
    wanted = {role: (feature.name, feature.definition) for role, feature in scores.items()}
    fitted = {role: (one.feature, one.definition) for role, one in found.scores.items()}
    return found if wanted == fitted else None


def next_version(home: Home) -> int:
    files = fits(home)
    return read(files[-1]).version + 1 if files else 1


def fits(home: Home) -> list[Path]:
    return sorted(home.segments.glob("rfm-*.json"))


def read(path: Path) -> RfmEdges:
    facts = json.loads(path.read_text(encoding="utf-8"))
    scores = {
        role: Edges(**{**one, "edges": tuple(one["edges"]), "given": tuple(one["given"])})
        for role, one in facts.pop("scores").items()
    }
    return RfmEdges(**facts, scores=scores)


def write(home: Home, edges: RfmEdges) -> Path:
    """Keep a fit beside the older ones; it appears whole."""
    path = home.segments / f"rfm-{edges.version:04d}.json"
    return write_whole(path, json.dumps(asdict(edges), indent=2) + "\n")
