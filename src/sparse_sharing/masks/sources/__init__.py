"""Where masks come from, one file for each source."""
