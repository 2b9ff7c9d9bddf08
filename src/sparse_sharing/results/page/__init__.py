"""The report of a run: one self-contained HTML page, from the files that the run has left."""
