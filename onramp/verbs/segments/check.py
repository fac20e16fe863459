"""Read a file of segments and say what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import click

from onramp.console import show
from onramp.options import Place, common


@click.command()
@common
@click.argument("file", type=click.Path(path_type=Path), required=False)
def command(place: Place, file: Path | None) -> None:
    """Read a file of segments and say what is wrong with it.

    FILE is a TOML file; left out, the segments that this home goes by. A rule that cannot be
    read ends in exit code 3, with its place and what was probably meant.
    """
    from segments.file import segments_file
    from segments.plan import make_plan

    path = file or segments_file(place.home)
    plan = make_plan(path, place.home.dataset())
    stages = f", {len(plan.lifecycle)} stages" if plan.lifecycle else ""
    scores = f", scores of {', '.join(plan.rfm.scores)}" if plan.rfm else ""
    show(
        {"file": path, "segments": plan.segments, "lifecycle": plan.lifecycle,
         "left_out": plan.left_out},
        [f"{path}: {len(plan.segments)} segments{stages}{scores}; every rule can be read",
         *(f"  left out, {one.name}: {one.reason}" for one in plan.left_out)],
        as_json=place.as_json,
    )  # fmt: skip
