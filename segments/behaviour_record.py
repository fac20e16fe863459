"""Says to MLflow what a fit of behaviour segments was: values in, one run with pictures out."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any

from features.catalogue import slug
from lifecycle.home import Home
from lifecycle.metrics import measured
from lifecycle.tracking import RunLog
from segments import quality
from segments.behaviour_model import BehaviourModel, Matrix, best
from segments.behaviour_report import Candidate, FitReport
from segments.picture import candidates_figure, pictures


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What there is to say.

    Attributes:
        x: the customers in the space of the columns.
        digest: of their rows.
        model: what was found; none: nothing.
    """

    home: Home
    seed: int
    x: Matrix
    digest: str
    report: FitReport
    model: BehaviourModel | None


def log(run: RunLog, fit: Fit) -> None:
    """Write everything about the fit onto the run."""
    report = fit.report
    run.params(params(fit))
    run.metrics(metrics(report))
    facts = {"as_of": report.as_of, "rows": report.clustered, "customers": report.customers}
    run.data(fit.home.dataset().name, fit.digest, "clustering", facts)
    run.text(candidates_csv(report.candidates), "candidates.csv")
    run.text("\n".join(report.lines()) + "\n", "report.txt")
    if fit.model is None:
        run.figure(candidates_figure(report.candidates), "pictures/candidates.png")
        return
    run.text(fit.model.to_json(), "behaviour.json")
    labels = best(fit.x, fit.model.segments)
    for name, figure in pictures(fit.model, fit.x, labels, report.candidates):
        run.figure(figure, f"pictures/{name}.png")


def params(fit: Fit) -> dict[str, Any]:
    """The choices, the rules, and the lineage of the rows."""
    report, chosen = fit.report, fit.report.chosen
    return {
        "algorithm": chosen.algorithm if chosen else "none",
        "segments": chosen.k if chosen else 0,
        "names": "; ".join(one.name for one in report.segments),
        "version": report.version or "none",
        "features": ", ".join(report.features),
        "seed": fit.seed,
        "as_of": report.as_of.isoformat(),
        "data_fingerprint": fit.digest,
        "rule.stable": quality.STABLE,
        "rule.better": quality.BETTER,
        "rule.tie": quality.TIE,
    }


def metrics(report: FitReport) -> dict[str, float]:
    """Quality of the winner, sizes, and what changed; what is undefined is left out."""
    found: dict[str, float] = {"customers": report.customers, "clustered": report.clustered}
    if report.chosen is not None:
        named = ("silhouette", "cloud", "stability", "smallest")
        found |= {name: getattr(report.chosen, name) for name in named}
    found |= {f"share.{slug(one.name)}": one.share for one in report.segments}
    if report.change is not None:
        found |= {"ari_to_previous": report.change.ari, "moved": report.change.moved}
    found |= {"too_small": len(report.warnings), "seconds": report.seconds}
    return measured(found)


def candidates_csv(candidates: tuple[Candidate, ...]) -> str:
    """One line a candidate, as it was tried."""
    text = StringIO()
    writer = csv.DictWriter(text, list(Candidate.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in candidates)
    return text.getvalue()
