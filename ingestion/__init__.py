"""Brings outside data into two canonical tables: clean, validated, nothing lost."""
