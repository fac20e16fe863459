"""Answers with the champion: the scoring app, batch scoring, the prediction log's writer."""
