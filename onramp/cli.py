"""The `onramp` command: a table of verbs, each imported when it is called."""

from __future__ import annotations

import logging
import sys

import click

from features.feast_import import unchecked
from onramp.console import fail
from onramp.groups import Lazy

VERBS = {
    "demo": "Run the whole loop, from raw events to a retrained champion.",
    "simulate": "Make an onboarding event log whose truth is known.",
    "ingest": "Bring a data set's files into the event store.",
    "features": "Compute features and refresh Feast; list, explain, check and profile them.",
    "segments": "Group customers by rules, scores and behaviour; say who is where, and why.",
    "train": "Search, fit, judge and register a model of one task.",
    "join": "Lend this machine's workers to a search that runs elsewhere.",
    "leaderboard": "Compare every training of a task: the best first.",
    "compare": "Hold two versions of a task against each other.",
    "promote": "Put a version through the gate; make it champion if it passes.",
    "approve": "Make a version that awaits approval the champion.",
    "reject": "Let a version that awaits approval wait no longer; say why.",
    "rollout": "Hold a challenger against the champion: unseen, or before some customers.",
    "rollback": "Put an earlier version back in the champion's place, at once.",
    "history": "Say who decided what, when and why; check that nobody changed it since.",
    "reproduce": "Make a version again from what was recorded of it, and compare.",
    "serve": "Answer over HTTP with the champion of each task.",
    "explain": "Replay a past answer by its receipt, and say whether it is the same.",
    "score": "Score every customer whose moment fell due, and log it.",
    "monitor": "Compare what was served with the reference; say what to do.",
    "retrain": "Work off the open retrain jobs: train, judge, promote or refuse.",
    "jobs": "List the retrain jobs: why each was asked for, how it stands or ended.",
    "notify": "Say who is told how retrain jobs end, and tell what waits; `--test` tries it.",
    "scheduler": "Call the verbs when their time has come, until stopped.",
    "dashboard": "Show how the models fare, on one page.",
    "doctor": "Find where stores disagree or are damaged; mend what is safe to mend.",
    "status": "Say who serves, what was decided and what is going on.",
}


def version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001
    """Print Onramp's version."""
    if value:
        from importlib.metadata import version as installed  # noqa: PLC0415  only when asked

        click.echo(f"onramp {installed('onramp')}")
        ctx.exit()


@click.group(cls=Lazy, package="onramp.verbs", table=VERBS, kind="verb",
             context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=version,
              help="Print the version.")  # fmt: skip
def command() -> None:
    """Churn and preference models for new customers, kept healthy.

    Everything lives in one folder, .onramp (ONRAMP_HOME). `onramp demo` shows the whole loop;
    `onramp VERB --help` says what a verb takes.

    \b
    Exit codes: 0 done · 1 unforeseen failure · 2 wrong usage · 3 unusable data
    4 something must be made first · 5 held by another process · 10 refused by the gate
    11 the gate could not judge · 12 what was made again differs
    13 awaiting a person's approval
    """  # noqa: D301 - click wants the character, not a backslash and a letter


def main() -> None:
    """Run the command; every error we foresee ends in one sentence and its own exit code.

    A library's warning speaks to whoever writes code with it: it goes to the log `py.warnings`
    and not between the lines of a report. (Feast turns every deprecation on when imported.)
    """
    unchecked()
    logging.captureWarnings(True)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = command.main(arguments, prog_name="onramp", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except Exception as error:  # noqa: BLE001  the edge: whatever it was, it gets an exit code
        return fail(error, as_json="--json" in arguments)
    return code if isinstance(code, int) else 0
