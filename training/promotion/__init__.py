"""From a trained version to a served one: measured on unseen rows, judged, moved, taken back."""
