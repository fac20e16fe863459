"""What Prometheus reads of a server: requests, answers, versions, the prediction log."""
