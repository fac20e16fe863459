"""Run the whole loop, from raw events to a retrained champion."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifecycle.errors import UsageError
from lifecycle.home import Home, open_home
from onramp.console import share, show, table
from onramp.duration import Duration
from onramp.options import Place, common
from onramp.shipped import dataset_file

if TYPE_CHECKING:
    from onramp.story import Story


SIMULATED = "simulated"


@click.command()
@common
@click.option("--data", default="simulated", show_default=True, help="A data set's TOML file.")
@click.option("--from", "source", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of the data set's files; not needed for simulated.")  # fmt: skip
@click.option("--customers", type=click.IntRange(min=200), default=20_000, show_default=True,
              help="How many to simulate.")  # fmt: skip
@click.option("--budget", "seconds", type=Duration(), default="10s", show_default=True,
              metavar="TIME", help="For the training of each model: 60s, 5m, 1h.")  # fmt: skip
@click.option("--trials", type=click.IntRange(min=1),
              help="Of the search for each model, in place of a budget.")  # fmt: skip
@click.option("--seed", type=int, default=7, show_default=True)
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    data: str,
    source: Path | None,
    customers: int,
    seconds: float,
    trials: int | None,
    seed: int,
) -> None:
    """Run the whole loop, from raw events to a retrained champion.

    Without options: simulated customers, no server, no account, no network. With --data and
    --from: your own files, or one of the public data sets that Onramp has a TOML file for.
    """
    from onramp.demo import play, ready
    from onramp.side_by_side import workers
    from onramp.story import Plan, Story, fresh_home

    file = dataset_file(data)
    refuse_nothing(file, source)
    home = apart(place.home, file.stem)
    fresh_home(home)
    with workers(ready) as pool:
        story = Story(
            home=home,
            pool=pool,
            plan=Plan(
                dataset=file,
                simulated=file.stem == SIMULATED,
                source=source,
                customers=customers,
                seed=seed,
                seconds=None if trials else seconds,
                trials=trials,
            ),
            tell=partial(click.echo, err=place.as_json),
            progress=place.progress,
        )
        play(story)
    report = {
        "home": home.root, "steps": story.steps, "trained": story.trained,
        "promoted": story.promoted, "monitored": story.monitored, "retrained": story.retrained,
    }  # fmt: skip
    show(report, ending(story), as_json=place.as_json)


def refuse_nothing(file: Path, source: Path | None) -> None:
    """Say what is missing before anything is put aside.

    Raises:
        UsageError: the data set reads files, and no folder was named.
    """
    from ingestion.mapping import read_mapping

    mapping = read_mapping(file)
    tables = (*mapping.events.values(), *mapping.customers.values())
    if source is None and file.stem != SIMULATED and any(table.files for table in tables):
        raise UsageError(
            f"{file.stem} is read from files.", do="Name their folder: `--from FOLDER`."
        )


def apart(home: Home, dataset: str) -> Home:
    """This home, or the one beside it where this one belongs to another data set."""
    if not home.dataset_file.exists() or home.dataset().name == dataset:
        return home
    beside = home.root.with_name(f"{home.root.name}-{dataset}")
    return open_home(beside)


def ending(story: Story) -> list[str]:
    """What happened, and where to look."""
    home = story.home
    where = home.root.name if home.root.parent == Path.cwd() else str(home.root)
    reports = [report.report_html for report in story.monitored if report.report_html]
    return [
        "",
        *table([("step", "seconds"), *((s.name, f"{s.seconds:.1f}") for s in story.steps)]),
        "",
        *quality(story),
        "",
        *outcomes(story),
        "",
        "Where to look",
        f"  runs and versions   .venv/bin/mlflow ui --backend-store-uri {home.tracking_uri}",
        f"  newest report       {reports[-1] if reports else 'none'}",
        f"  ask a customer      ONRAMP_HOME={where} .venv/bin/onramp serve   and then",
        f"                      curl http://127.0.0.1:8000/api/personalization/{story.customer}",
        f"  what was decided    ONRAMP_HOME={where} .venv/bin/onramp status",
    ]


def quality(story: Story) -> list[str]:
    """Each first model on its out-of-time test, beside the baselines."""
    metrics = ("roc_auc", "pr_auc", "log_loss", "ece", "accuracy", "top2")
    heading = ("out-of-time test", "model", *metrics)
    rows = []
    for report in story.trained.values():
        named = {f"{report.algorithm}, {report.balancing}": report.metrics, **report.baselines}
        rows += [
            (report.task, name, *(share(found.get(metric)) for metric in metrics))
            for name, found in named.items()
        ]
    return table([heading, *rows])


def outcomes(story: Story) -> list[str]:
    """What the platform decided, in order."""
    rows = [
        *((r.task, f"version {r.version}", r.decision) for r in story.promoted),
        *((r.task, f"monitored at {r.as_of:%Y-%m-%d}", r.verdict) for r in story.monitored),
        *((r.task, "retrain", r.outcome) for r in story.retrained),
    ]
    return table([("task", "what", "outcome"), *rows])
