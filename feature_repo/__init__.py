"""Feast's view of `features` and `tasks`: derived, defines nothing."""
