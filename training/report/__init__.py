"""What a run tells people: sections of words, tables and pictures, on one page."""
