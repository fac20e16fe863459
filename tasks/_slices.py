"""Whom a gain of all may not cost: profile columns by which the gates look at slices."""

from __future__ import annotations

# Those that a data set lacks are left out, and the verdict says so.
SLICES = ("country", "plan", "device", "gender", "age_band")
