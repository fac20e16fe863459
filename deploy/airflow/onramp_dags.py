"""The schedule of Onramp as Airflow's DAGs: one a run of `schedule.toml`, one task a verb.

Put this file into Airflow's folder of DAGs, and beside it the schedule that ships with Onramp
(`onramp/schedule.toml`) or your own. Airflow needs no Onramp in its own environment: the verbs are
called as programs. For Airflow 3.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

# Not ONRAMP_…: the verbs refuse variables with that prefix that they do not know.
PROGRAM = os.environ.get("RUN_ONRAMP", "/opt/onramp/bin/onramp")
HOME = os.environ.get("RUN_ONRAMP_HOME", "/srv/onramp/.onramp")
DROP = os.environ.get("RUN_ONRAMP_DROP", "/srv/onramp/drop")
SCHEDULE = Path(os.environ.get("RUN_ONRAMP_SCHEDULE", Path(__file__).with_name("schedule.toml")))

OUTCOMES = (10, 11, 13)  # refused, not judged, awaiting approval: no failures
BUSY = 5  # held by another process: tried again
RETRIES = 4
LIMIT = "6h"  # of a verb where the schedule names none
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Verb(BashOperator):
    """One verb. Of its exit codes 0, 10, 11 and 13 are a success, 5 is retried, others fail."""

    def __init__(self, *, words: list[str], **rest: Any) -> None:
        command = shlex.join([PROGRAM, *words])
        outcomes = "|".join(str(code) for code in OUTCOMES)
        super().__init__(
            bash_command=f"{command}; c=$?; case $c in {outcomes}) exit 0;; *) exit $c;; esac",
            env={"ONRAMP_HOME": HOME},
            append_env=True,
            # Airflow would retry every failure: all but BUSY leave by the way of a skip
            skip_on_exit_code=[code for code in range(1, 256) if code != BUSY],
            retries=RETRIES,
            retry_delay=timedelta(minutes=1),
            retry_exponential_backoff=True,
            max_retry_delay=timedelta(hours=1),
            **rest,
        )

    def execute(self, context: Any) -> Any:
        """Run it; a failure that waiting does not mend is not tried again."""
        try:
            return super().execute(context)
        except AirflowSkipException as failure:
            raise AirflowFailException(str(failure).replace(" Skipping.", "")) from None


def words_of(line: str) -> list[str]:
    """The words of one call; `ingest` without a folder takes the drop folder."""
    words = shlex.split(line)
    return [*words, "--from", DROP] if words[0] == "ingest" and "--from" not in words else words


def limit_of(text: str) -> timedelta:
    """What a schedule means by `45s`, `30m`, `1h30m`, or by a bare number of seconds."""
    parts = re.findall(r"([\d.]+)([smh])", text.lower())
    return timedelta(seconds=sum(float(n) * SECONDS[unit] for n, unit in parts) or float(text))


def dag_of(name: str, run: dict[str, Any]) -> DAG:
    """One run of the schedule; Airflow shows a slip in its cron expression as an import error."""
    with DAG(
        dag_id=f"onramp_{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)}",
        schedule=CronTriggerTimetable(run["at"], timezone="UTC"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,  # what was missed is made up for by the next run
        max_active_runs=1,
        tags=["onramp"],
        doc_md=f"`{' && '.join(run['verbs'])}` at `{run['at']}`, UTC.",
    ) as dag:
        before: Verb | None = None
        for place, line in enumerate(run["verbs"]):
            task = Verb(
                task_id=f"{place}_{line.split()[0]}",
                words=words_of(line),
                execution_timeout=limit_of(run.get("limit", LIMIT)),
            )
            if before is not None:
                before >> task
            before = task
    return dag


for _name, _run in tomllib.loads(SCHEDULE.read_text(encoding="utf-8")).items():
    _dag = dag_of(_name, _run)
    globals()[_dag.dag_id] = _dag
