"""Brings outside data into two canonical tables: clean, validated, nothing lost."""

from ingestion.ingest import ingest
from ingestion.report import IngestReport, TableReport

__all__ = ["IngestReport", "TableReport", "ingest"]
