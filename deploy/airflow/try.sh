#!/usr/bin/env bash
# Try the DAGs in a real Airflow, in an environment and on an SQLite of its own:
#   deploy/airflow/try.sh FOLDER
# FOLDER is made and can be deleted afterwards. `onramp` has to be on the PATH.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$1"
folder="$(cd "$1" && pwd)"
python="$folder/venv/bin/python"
if ! test -x "$folder/venv/bin/airflow"; then
  python3 -m venv "$folder/venv"
  "$python" -m pip install --quiet --disable-pip-version-check "apache-airflow>=3.1,<4"
fi

export AIRFLOW_HOME="$folder/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__DAGS_FOLDER="$folder/dags" AIRFLOW__LOGGING__LOGGING_LEVEL=WARNING
export RUN_ONRAMP_HOME="$folder/home" RUN_ONRAMP_DROP="$folder/drop"
RUN_ONRAMP="$(command -v onramp)"
export RUN_ONRAMP
mkdir -p "$folder/dags"
cp "$here/onramp_dags.py" "$folder/dags/"
# of the shipped schedule what needs no champion
cat >"$folder/dags/schedule.toml" <<'TOML'
[nightly]
at = "15 2 * * *"
verbs = ["ingest", "features"]

[retrain]
at = "30 4 * * *"
verbs = ["retrain --all"]
limit = "1h30m"
TOML

echo "== the DAGs as Airflow imports them: which exit codes fail, and which are tried again"
"$python" "$here/exit_codes.py" "$folder" 2>"$folder/exit_codes.log"

echo "== a world of 300 customers, and every DAG once"
rm -rf "$folder/home" "$folder/drop"
onramp simulate --customers 300 --home "$folder/home" --out "$folder/drop"
onramp ingest simulated --from "$folder/drop" --home "$folder/home"
"$folder/venv/bin/airflow" db migrate >"$folder/migrate.log" 2>&1
for dag in onramp_nightly onramp_retrain; do
  echo "-- airflow dags test $dag"
  "$folder/venv/bin/airflow" dags test "$dag" >"$folder/$dag.log" 2>&1
  "$folder/venv/bin/airflow" dags list-runs "$dag" --output plain 2>/dev/null | grep -w success
done
onramp status --home "$folder/home" | head -n 3
