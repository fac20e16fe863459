"""Finds where the stores disagree or are damaged, and mends what can be mended without guessing."""
