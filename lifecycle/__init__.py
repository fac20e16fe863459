"""The nouns that every stage shares, and the ports of the stores between the stages."""

import os

# Each library reads its switch when it is imported, so this comes before any of them:
# nothing that Onramp does is reported to anybody unless the user says otherwise.
for _switch, _off in (
    ("DO_NOT_TRACK", "true"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("ITERATIVE_DO_NOT_TRACK", "true"),
    ("FEAST_USAGE", "False"),
    # … and nothing of theirs is drawn over what we say
    ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
    ("MLFLOW_LOGGING_LEVEL", "WARNING"),
    # of a server MLflow says where each run is to be seen, in the middle of our JSON
    ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
):
    os.environ.setdefault(_switch, _off)
