"""Segments: groups of customers, told from the features of one moment and nothing else."""
