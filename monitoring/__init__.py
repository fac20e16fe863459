"""Watches what was served and decides what to do about it."""
