#!/usr/bin/env bash
# An MLflow server on PostgreSQL, with passwords. Every setting is in the environment, none in an
# argument: arguments are for all to read in `ps`. .env.example names what is needed.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

for name in PGDATABASE PGUSER MLFLOW_ARTIFACTS_DESTINATION MLFLOW_FLASK_SERVER_SECRET_KEY \
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY
do
  if [ -z "${!name:-}" ]
  then
    echo "$name is not set. deploy/mlflow-postgres/.env.example says what it is for." >&2
    exit 2
  fi
done

export MLFLOW_BACKEND_STORE_URI='postgresql+psycopg:///'
export MLFLOW_AUTH_CONFIG_PATH="${MLFLOW_AUTH_CONFIG_PATH:-$here/basic_auth.ini}"
export MLFLOW_DISABLE_TELEMETRY=true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false  # processes for what Onramp never asks
# A worker takes longer than uvicorn's 5 s to import on a busy machine, and would be ended for it.
export UVICORN_TIMEOUT_WORKER_HEALTHCHECK="${UVICORN_TIMEOUT_WORKER_HEALTHCHECK:-60}"
exec mlflow server --app-name basic-auth
