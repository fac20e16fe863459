"""A search as files, for the processes that lend a hand: arrays in .npy, the rest in JSON.

No pickle: a folder of numbers and names cannot run anything. Arrays are mapped into memory when
they are read, so that several workers share one copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lifecycle.space import Choice, Float, Int, Range, Search
from training.boosters import Settings
from training.folds import Problem
from training.model import Encoder
from training.search.plan import Plan

ABOUT = "search.json"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a worker needs. `leader` is the worker whose orders it follows."""

    plan: Plan
    stages: tuple[Problem, ...]
    leader: str


def write(folder: Path, carried: Carried) -> None:
    """Write everything; the worker is started afterwards, so nothing is read half."""
    about = {
        "leader": carried.leader,
        "plan": plan_to_json(carried.plan),
        "stages": [
            write_stage(folder / f"stage-{i}", problem) for i, problem in enumerate(carried.stages)
        ],
    }
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def read(folder: Path) -> Carried:
    """Read what `write` wrote."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    stages = [read_stage(folder / f"stage-{i}", s) for i, s in enumerate(about["stages"])]
    return Carried(plan=plan_from_json(about["plan"]), stages=tuple(stages), leader=about["leader"])


def write_stage(folder: Path, problem: Problem) -> dict[str, Any]:
    """Write the arrays; returns what is not one."""
    folder.mkdir(parents=True)
    np.save(folder / "matrix.npy", problem.matrix, allow_pickle=False)
    np.save(folder / "labels.npy", problem.labels, allow_pickle=False)
    for i, (fit, validate) in enumerate(problem.folds):
        np.save(folder / f"fit-{i}.npy", fit, allow_pickle=False)
        np.save(folder / f"validate-{i}.npy", validate, allow_pickle=False)
    encoder = problem.encoder
    return {
        "features": encoder.features,
        "categories": encoder.categories,
        "settings": asdict(problem.settings),
        "folds": len(problem.folds),
    }


def read_stage(folder: Path, about: Mapping[str, Any]) -> Problem:
    def array(name: str) -> npt.NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    return Problem(
        encoder=Encoder(about["features"], about["categories"]),
        matrix=array("matrix"),
        labels=array("labels"),
        folds=[(array(f"fit-{i}"), array(f"validate-{i}")) for i in range(about["folds"])],
        settings=Settings(**about["settings"]),
    )


def plan_to_json(plan: Plan) -> dict[str, Any]:
    plain = {f.name: getattr(plan, f.name) for f in fields(Plan)}
    return {**plain, "folder": str(plan.folder), "search": search_to_json(plan.search)}


def plan_from_json(plain: Mapping[str, Any]) -> Plan:
    return Plan(
        **{
            **plain,
            "folder": Path(plain["folder"]),
            "search": search_from_json(plain["search"]),
        }
    )


def search_to_json(search: Search) -> dict[str, Any]:
    plain = {f.name: getattr(search, f.name) for f in fields(Search)}
    spaces = {name: spans_to_json(spans) for name, spans in search.spaces.items()}
    return {**plain, "spaces": spaces, "smote": spans_to_json(search.smote)}


def search_from_json(plain: Mapping[str, Any]) -> Search:
    spaces = {name: spans_from_json(spans) for name, spans in plain["spaces"].items()}
    return Search(
        **{
            **plain,
            "spaces": spaces,
            "smote": spans_from_json(plain["smote"]),
            "balancing": tuple(plain["balancing"]),
        }
    )


def spans_to_json(spans: Mapping[str, Range]) -> dict[str, Any]:
    return {name: {"kind": type(span).__name__, **asdict(span)} for name, span in spans.items()}


def spans_from_json(plain: Mapping[str, Any]) -> dict[str, Range]:
    return {name: span_from_json(span) for name, span in plain.items()}


def span_from_json(plain: Mapping[str, Any]) -> Range:
    values = {name: value for name, value in plain.items() if name != "kind"}
    if plain["kind"] == "Choice":
        return Choice(options=tuple(values["options"]))
    return Int(**values) if plain["kind"] == "Int" else Float(**values)
