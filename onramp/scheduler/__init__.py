"""One small process that calls the verbs when their time has come."""
