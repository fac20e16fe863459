"""`/invocations` without a data frame: what a small request needs, and MLflow's very answer."""
